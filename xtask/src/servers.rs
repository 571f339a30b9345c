//! The servers that tests start: found, or installed where this system's package manager has them.

use std::path::Path;
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

/// Without a database made and started for the whole system where that can be had.
const POSTGRES: [Way; 3] = [
    (
        "apt-get",
        &[
            &["apt-get", "update", "-q"],
            &["apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql-common"],
            &["sed", "-i", "s/^#\\?create_main_cluster.*/create_main_cluster = false/", CREATECLUSTER],
        ],
    ),
    ("apt-get", &[&["apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql"]]),
    ("brew", &[&["brew", "install", "postgresql@17"]]),
];
const CREATECLUSTER: &str = "/etc/postgresql-common/createcluster.conf";

/// Sees to it that they can be started.
pub(crate) fn get() -> Result<(), Failure> {
    let redis = || shell::works(Command::new("redis-server").arg("--version")).then_some(());
    find_or_install("Redis", &REDIS, redis, "the tests of cloakroom-redis start `redis-server`: install it")?;
    let missing = "the tests of cloakroom-postgres start PostgreSQL, by `initdb` and `postgres`: install it";
    find_or_install("PostgreSQL", &POSTGRES, postgres, missing)
}

/// Looks for it, and installs it where it is missing and can be had.
pub(crate) fn find_or_install(
    name: &str,
    ways: &[Way],
    find: impl Fn() -> Option<()>,
    missing: &str,
) -> Result<(), Failure> {
    if find().is_some() {
        return Ok(());
    }
    eprintln!("no {name} here: installing it");
    install::until(ways, find).ok_or_else(|| Failure::Missing(missing.to_owned()))
}

/// Where the testkit looks for it as well.
fn postgres() -> Option<()> {
    let is_in = |place: &Path| place.join("initdb").exists() && place.join("postgres").exists();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    let below = places.into_iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten();
    let is_there = std::env::split_paths(&path).any(|place| is_in(&place))
        || below.map(|entry| entry.path().join("bin")).any(|place| is_in(&place));
    is_there.then_some(())
}
