//! The command `cloakroom`.

mod admin;
mod demo;
mod page;
mod serve;
mod store;
mod terminal;
mod tool;
mod user_agent;
mod when;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use tool::{Finding, Tool};

/// Sessions of web servers: see them at work, and look after them.
#[derive(Debug, Parser)]
#[command(name = "cloakroom", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Options),
    Admin(admin::Options),
    #[command(flatten)]
    Tool(Tool),
    Completions(tool::Completions),
    Man(tool::Man),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM with every request answered
  1  something went wrong; standard error says what
  2  the command line was not understood
  3  a session that was named is not there
  4  `check` found a problem, or `copy` could not bring all";

/// Every command's help ends with the exit codes.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| command.after_help(EXIT_CODES))
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let done = match <Cli as clap::FromArgMatches>::from_arg_matches(&matches) {
        Ok(cli) => run(&cli.command),
        Err(error) => error.exit(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has read enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::talk(&format!("error: {}", chain(&*error)));
            match error.downcast_ref::<Finding>() {
                Some(finding) => finding.exit_code().into(),
                None if error.is::<store::Misnamed>() => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn run(which: &Command) -> Result<(), Box<dyn Error>> {
    match which {
        Command::Demo(options) => demo::run(options),
        Command::Admin(options) => admin::run(options),
        Command::Tool(tool) => tool.run(),
        Command::Completions(options) => tool::completions(options, command()),
        Command::Man(options) => tool::man(options, command()),
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// An error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
