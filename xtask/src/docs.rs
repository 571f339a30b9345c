//! `cargo xtask docs`: the documentation builds without a warning.

use crate::shell::{self, Failure};

pub(crate) fn run() -> Result<(), Failure> {
    let mut command = shell::cargo(["doc", "--workspace", "--no-deps", "--all-features", "--locked"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
