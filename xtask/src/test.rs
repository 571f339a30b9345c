//! `cargo xtask test`: all tests of the workspace.
//!
//! Tests need nothing but Rust. A test that needs a real server belongs to that store's crate, starts the server
//! itself, and skips loudly where there is none; this step is the place to look for one first and say so.

use crate::shell::{self, Failure};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leaves out the examples in the documentation
    #[arg(long)]
    quick: bool,
}

/// Everything.
pub(crate) const ALL: Args = Args { quick: false };

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut command = shell::cargo(["test", "--workspace", "--all-features", "--locked"]);
    if args.quick {
        command.args(["--lib", "--bins", "--tests"]);
    }
    shell::run_last(&mut command)
}
