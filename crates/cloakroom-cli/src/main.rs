//! The command `cloakroom`.

mod demo;
mod terminal;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Typed sessions for web servers: see them at work.
#[derive(Debug, Parser)]
#[command(name = "cloakroom", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(after_help = EXIT_CODES)]
    Demo(demo::Options),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM with every request answered
  1  something went wrong; standard error says what
  2  the command line was not understood";

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::talk(&format!("error: {}", chain(&*error)));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
