//! `cargo xtask features`: the library must build without its features, and with each of them alone.

use crate::shell::{self, Failure};

const FEATURES: [&str; 9] =
    ["", "tower", "axum", "actix", "sealed", "tokio", "tracing", "metrics", "user-agents"];

/// By clippy rather than `check`: code that is dead without some feature is a warning that only shows here.
pub(crate) fn run() -> Result<(), Failure> {
    FEATURES.into_iter().try_for_each(|feature| {
        let mut command = shell::cargo(["clippy", "-p", "cloakroom", "--locked", "--no-default-features"]);
        if !feature.is_empty() {
            command.args(["--features", feature]);
        }
        shell::run(command.args(["--", "-D", "warnings"]))
    })
}
