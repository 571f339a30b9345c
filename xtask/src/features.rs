//! `cargo xtask features`: a crate must build without its features, and with each of them alone.

use crate::shell::{self, Failure};

/// Every crate that has features; the empty one is none.
const ALONE: [(&str, &[&str]); 3] = [
    ("cloakroom", &["", "tower", "axum", "actix", "sealed", "tokio", "tracing", "metrics", "user-agents"]),
    ("cloakroom-stores", &["", "postgres", "redis", "sqlite"]),
    ("cloakroom-testkit", &["", "scenarios", "servers"]),
];

/// By clippy rather than `check`: code that is dead without some feature is a warning that only shows here.
pub(crate) fn run() -> Result<(), Failure> {
    let each = ALONE.iter().flat_map(|(name, features)| features.iter().map(move |feature| (name, feature)));
    for (name, feature) in each {
        let mut command = shell::cargo(["clippy", "-p", name, "--locked", "--no-default-features"]);
        if !feature.is_empty() {
            command.args(["--features", feature]);
        }
        shell::run(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}
