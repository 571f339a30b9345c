//! Shell completions and manual pages, generated from the command line.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::terminal;

/// Print shell completions
///
/// For bash: `cloakroom completions bash > ~/.local/share/bash-completion/completions/cloakroom`
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write the pages of all commands to a directory
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write cloakroom.1, cloakroom-list.1 and so on to this directory
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn completions(
    options: &Completions,
    mut command: Command,
) -> Result<(), Box<dyn Error>> {
    let mut text = Vec::new();
    clap_complete::generate(options.shell, &mut command, "cloakroom", &mut text);
    Ok(terminal::print(&String::from_utf8(text)?)?)
}

pub(crate) fn man(options: &Man, command: Command) -> Result<(), Box<dyn Error>> {
    if let Some(directory) = &options.directory {
        return write_pages(command, directory);
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    Ok(terminal::print(&String::from_utf8(text)?)?)
}

fn write_pages(command: Command, directory: &Path) -> Result<(), Box<dyn Error>> {
    clap_mangen::generate_to(command.disable_help_subcommand(true), directory).map_err(
        |error| format!("cannot write manual pages to `{}`: {error}", directory.display()),
    )?;
    terminal::message(&format!("manual pages written to {}", directory.display()));
    Ok(())
}
