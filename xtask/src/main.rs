//! The workspace's tasks: `cargo xtask --help` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod api;
mod checks;
mod ci;
mod clients;
mod guard;
mod programs;
mod promises;
mod resolve;
mod shell;
mod sqlite;
mod tidy;
mod tree;
mod valkey;
mod workspace;

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::{Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::shell::Failure;

/// The workspace's tasks
///
/// Results go to stdout, progress to stderr. Each command that a task runs is printed.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Exit codes: 0 success, 1 a check failed, 2 wrong usage, 3 a program is missing."
)]
struct Cli {
    /// Fetch missing programs below `target` without asking, as with CI=true in the environment
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    task: Task,
}

/// The tasks that have arguments, and those that run others. Each step of these is a task too.
#[derive(Subcommand)]
enum Task {
    /// All that must hold before a change lands, in order, up to the first failure
    Ci,
    /// What takes long or depends on others
    Nightly,
    /// All tests of the workspace, with real servers, clients and a real browser (in ci)
    Test {
        /// Leave out the examples in the documentation, and the oldest SQLite
        #[arg(long)]
        quick: bool,
    },
    /// Every order of requests, losses and races (in ci)
    Model {
        /// Arguments for the checker: `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// A random walk over browsers, a network and two nodes (in ci)
    Walk {
        /// Arguments for the walk: --requests N, --seed N
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Four processes that share sessions while servers and processes fail
    Chaos {
        /// Arguments: --store sqlite|postgres|redis, --faults N, --seed N, --json
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// What a request costs (in ci)
    Guard(guard::Args),
    /// Random bytes for each parser of hostile input (in nightly)
    Fuzz {
        /// One target instead of all
        target: Option<String>,
        /// How long to run each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Measurements, alone or next to other libraries
    Bench(checks::Bench),
    /// Takes the pictures in docs/screenshots again
    Screenshots,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut command = Cli::command();
    let steps = ci::CI.map(|step| (step, "ci")).into_iter();
    let steps: Vec<_> = steps.chain(ci::NIGHTLY.map(|step| (step, "nightly"))).collect();
    for ((name, about, _), list) in &steps {
        if command.find_subcommand(name).is_none() {
            let about = format!("{about} (in {list})");
            command = command.subcommand(Command::new(*name).about(about));
        }
    }
    let matches = command.get_matches();
    programs::YES.store(matches.get_flag("yes"), Ordering::Relaxed);
    let Ok(cli) = Cli::from_arg_matches(&matches) else {
        let step = steps.iter().find(|((name, ..), _)| Some(*name) == matches.subcommand_name());
        return step.map_or(Ok(()), |((_, _, run), _)| run());
    };
    match cli.task {
        Task::Ci => ci::ci(),
        Task::Nightly => ci::nightly(),
        Task::Test { quick } => checks::test(quick),
        Task::Model { rest } => checks::model(&rest),
        Task::Walk { rest } => checks::walk(&rest),
        Task::Chaos { rest } => checks::chaos(&rest),
        Task::Guard(args) => guard::run(&args),
        Task::Fuzz { target, seconds } => checks::fuzz(target.as_deref(), seconds),
        Task::Bench(args) => checks::bench(&args),
        Task::Screenshots => checks::screenshots(),
    }
}
