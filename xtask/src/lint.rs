//! `cargo xtask fmt` and `cargo xtask clippy`: nobody argues about what a machine can settle.

use crate::shell::{self, Failure};

pub(crate) fn fmt() -> Result<(), Failure> {
    shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))?;
    // Workspaces of their own, each for its reason.
    for manifest in ["fuzz/Cargo.toml", "benches/http/Cargo.toml", "benches/stores/sqlx/Cargo.toml"] {
        shell::run(&mut shell::cargo(["fmt", "--manifest-path", manifest, "--check"]))?;
    }
    Ok(())
}

pub(crate) fn clippy() -> Result<(), Failure> {
    let mut command = shell::cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--locked"]);
    shell::run(command.args(["--", "-D", "warnings"]))
}
