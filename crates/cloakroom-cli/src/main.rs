//! The `cloakroom` command.

mod admin;
mod demo;
mod id_prefix;
mod listen;
mod page;
mod serve;
mod store;
mod terminal;
mod time;
mod tool;
mod user_agent;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use tool::{ExitReason, Tool};

/// Inspect and manage the sessions in a store, or try the demo.
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
  0  success; a server stopped by Ctrl-C or SIGTERM after answering every request
  1  an error, described on standard error
  2  invalid arguments: also an ambiguous session ID, or a missing --yes
  3  no session with the given id
  4  `check` found a problem, or `copy` could not copy everything";

/// The command line. Every command's help ends with the exit codes.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| command.after_help(EXIT_CODES))
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let result = match <Cli as clap::FromArgMatches>::from_arg_matches(&matches) {
        Ok(cli) => run(&cli.command),
        Err(error) => error.exit(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output, `head` for example, has read enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::message(&format!("error: {}", chain(&*error)));
            match error.downcast_ref::<ExitReason>() {
                Some(reason) => reason.exit_code().into(),
                None if store::is_url_error(&*error) => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command_line: &Command) -> Result<(), Box<dyn Error>> {
    match command_line {
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

/// An error and its causes, in one line. A cause that its error repeats is left out.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Unreachable(io::Error);

    impl std::fmt::Display for Unreachable {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "cannot connect: {}", self.0)
        }
    }

    impl Error for Unreachable {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_cause_that_its_error_repeats_is_left_out() {
        let error = Unreachable(io::Error::other("connection refused"));
        assert_eq!(chain(&error), "cannot connect: connection refused");
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
