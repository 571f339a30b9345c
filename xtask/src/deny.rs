//! `cargo xtask deny` and `cargo xtask advisories`: what `deny.toml` says about dependencies.

use crate::shell::{self, Failure};
use crate::tool::Tool;

const DENY: Tool = Tool { subcommand: "deny", version: "=0.20.2" };

pub(crate) fn run() -> Result<(), Failure> {
    check(&["bans", "licenses", "sources"])
}

/// Apart from the rest: it fetches the advisory database, and what it says may change overnight.
pub(crate) fn advisories() -> Result<(), Failure> {
    check(&["advisories"])
}

fn check(what: &[&str]) -> Result<(), Failure> {
    DENY.provide()?;
    shell::run(DENY.command(None).args(["--locked", "check"]).args(what))
}
