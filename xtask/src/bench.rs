//! `cargo xtask bench`: measurements, outside the default members so that nobody else builds them.

use crate::shell::{self, Failure};

#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// What a session costs a request
    Overhead(Args),
    /// What listing, limiting and revoking cost with 100,000 sessions, beside the same with 1,000
    Directory(Args),
    /// Durable writes and reads a second on SQLite; fsyncs per write if strace is there
    Stores(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For the bench: --json, --quick, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    let (package, args) = match bench {
        Bench::Overhead(args) => ("cloakroom-bench-overhead", args),
        Bench::Directory(args) => ("cloakroom-bench-directory", args),
        Bench::Stores(args) => ("cloakroom-bench-stores", args),
    };
    let mut command = shell::cargo(["run", "--profile", "bench", "--locked", "-p", package, "--"]);
    shell::run(command.args(&args.rest))
}
