//! Cargo subcommands that Rust does not bring along: used where they are, else installed under `target/tools`.

use std::env;
use std::process::Command;

use crate::shell::{self, Failure};

/// A cargo subcommand published as a crate.
pub(crate) struct Tool {
    /// As in `cargo deny`.
    pub(crate) subcommand: &'static str,
    /// What is installed if there is none, as in `cargo install`: exact, for tools change overnight.
    pub(crate) version: &'static str,
}

impl Tool {
    /// Makes sure that the tool is there.
    ///
    /// # Errors
    /// [`Failure::Missing`] if it can't be installed.
    pub(crate) fn provide(&self) -> Result<(), Failure> {
        if shell::works(self.command(None).arg("--version")) {
            return Ok(());
        }
        let package = format!("cargo-{}", self.subcommand);
        eprintln!("{package} is not here: building it takes a few minutes, once");
        let mut install = shell::cargo(["install", &package, "--locked", "--version", self.version]);
        shell::run(install.args(["--root", "target/tools"]))
            .map_err(|failure| Failure::Missing(format!("{package} cannot be installed: {failure}")))
    }

    /// The subcommand, of `toolchain` if one is named.
    pub(crate) fn command(&self, toolchain: Option<&str>) -> Command {
        let mut command = shell::cargo(toolchain);
        command.arg(self.subcommand);
        let ours = shell::root().join("target/tools/bin");
        let paths = env::var_os("PATH").unwrap_or_default();
        if let Ok(paths) = env::join_paths(env::split_paths(&paths).chain([ours])) {
            command.env("PATH", paths);
        }
        command
    }
}
