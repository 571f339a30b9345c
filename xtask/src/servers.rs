//! The servers that tests start: found, or installed where this system's package manager has them.

use std::process::Command;

use crate::install::{self, Way};
use crate::shell::{self, Failure};

const REDIS: [Way; 2] = [
    (
        "apt-get",
        &[
            &["apt-get", "update", "-q"],
            &["apt-get", "install", "-y", "-q", "--no-install-recommends", "redis-server"],
        ],
    ),
    ("brew", &[&["brew", "install", "redis"]]),
];

/// Sees to it that they can be started.
pub(crate) fn get() -> Result<(), Failure> {
    let find = || shell::works(Command::new("redis-server").arg("--version")).then_some(());
    if find().is_some() {
        return Ok(());
    }
    eprintln!("no Redis here: installing it");
    install::until(&REDIS, find).ok_or_else(|| {
        Failure::Missing("the tests of cloakroom-redis start `redis-server`: install it".to_owned())
    })
}
