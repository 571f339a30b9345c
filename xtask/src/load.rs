//! What `cargo xtask bench http` needs from outside: wrk for the load, and node with npm for the peer that runs there.

use std::process::Command;

use crate::install::Way;
use crate::servers::find_or_install;
use crate::shell::{self, Failure};

const WRK: [Way; 2] = [
    (
        "apt-get",
        &[
            &["apt-get", "update", "-q"],
            &["apt-get", "install", "-y", "-q", "--no-install-recommends", "wrk"],
        ],
    ),
    ("brew", &[&["brew", "install", "wrk"]]),
];

const NODE: [Way; 2] = [
    (
        "apt-get",
        &[
            &["apt-get", "update", "-q"],
            &["apt-get", "install", "-y", "-q", "--no-install-recommends", "nodejs", "npm"],
        ],
    ),
    ("brew", &[&["brew", "install", "node"]]),
];

/// Sees to it that they can be started.
pub(crate) fn get() -> Result<(), Failure> {
    // It has no option that does nothing and succeeds: that it can be started at all must do.
    let wrk = || Command::new("wrk").arg("-v").output().is_ok().then_some(());
    find_or_install("wrk", &WRK, wrk, "the servers are put under load by `wrk`: install it")?;
    let runs = |program| shell::works(Command::new(program).arg("--version"));
    let node = || (runs("node") && runs("npm")).then_some(());
    find_or_install("node", &NODE, node, "express is served by `node` and installed by `npm`: install them")
}
