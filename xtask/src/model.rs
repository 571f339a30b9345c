//! `cargo xtask model`: the protocol's own functions through every order of requests, losses and races.

use crate::shell::{self, Failure};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For the checker: --mutants, --json, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

/// As the protocol stands.
pub(crate) fn plain() -> Result<(), Failure> {
    run(&[])
}

/// Broken on purpose, one rule at a time: the checker must notice each.
pub(crate) fn mutants() -> Result<(), Failure> {
    run(&["--mutants".to_owned()])
}

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut command = shell::cargo(["run", "--release", "--locked", "-p", "cloakroom-model", "--"]);
    shell::run(command.args(args))
}
