//! `cargo xtask msrv`: the `rust-version` in the manifest is a promise, so it is used.

use std::process::Command;

use crate::shell::{self, Failure};

/// The promise; this crate inherits it from the workspace.
const PROMISED: &str = env!("CARGO_PKG_RUST_VERSION");

pub(crate) fn run() -> Result<(), Failure> {
    let running = shell::output(Command::new("rustc").arg("--version").current_dir(shell::root()))?;
    if is_release_of(&running, PROMISED) {
        eprintln!("  this is {PROMISED}: every other step uses the oldest compiler promised");
        return Ok(());
    }
    let toolchain = format!("+{PROMISED}");
    if !shell::works(shell::cargo([toolchain.as_str(), "--version"]).env("RUSTUP_AUTO_INSTALL", "0")) {
        return Err(Failure::Missing(format!(
            "the manifest promises Rust {PROMISED}, and it is not here: `rustup toolchain install {PROMISED}`"
        )));
    }
    let mut command =
        shell::cargo([toolchain.as_str(), "check", "--workspace", "--all-features", "--locked"]);
    shell::run(&mut command)
}

/// True if `rustc --version` printed a release of `promised`, written `1.95` or `1.95.0`.
fn is_release_of(printed: &str, promised: &str) -> bool {
    let minor = |version: &str| {
        let mut parts = version.split('.').map(str::to_owned);
        Some((parts.next()?, parts.next()?))
    };
    let running = printed.split_whitespace().nth(1).and_then(minor);
    running.is_some() && running == minor(promised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_patch_of_the_promised_release_is_that_release_and_no_other_is() {
        let printed = "rustc 1.95.1 (0123456 2026-05-01)";
        assert!(is_release_of(printed, "1.95"));
        assert!(is_release_of(printed, "1.95.0"));
        assert!(!is_release_of(printed, "1.9"));
        assert!(!is_release_of(printed, "1.96"));
        assert!(!is_release_of("", "1.95"));
    }
}
