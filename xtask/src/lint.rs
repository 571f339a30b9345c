//! `cargo xtask fmt` and `cargo xtask clippy`: nobody argues about what a machine can settle.

use crate::shell::{self, Failure};

pub(crate) fn fmt() -> Result<(), Failure> {
    shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))?;
    shell::run(&mut shell::cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

pub(crate) fn clippy() -> Result<(), Failure> {
    let mut command = shell::cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--locked"]);
    shell::run(command.args(["--", "-D", "warnings"]))
}
