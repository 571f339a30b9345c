//! The suite on Redis, and what is Redis's own.
#![allow(clippy::print_stdout, reason = "figures that a test measured")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

mod cluster;
mod encrypted;
mod expiry;
mod hardship;
mod place;

mod near_cache {
    cloakroom_testkit::conformance!(crate::place::remembered());
}

mod redis {
    cloakroom_testkit::conformance!(crate::place::fresh());
}

mod redis_cluster {
    cloakroom_testkit::conformance!(crate::place::in_cluster());
}

mod near_cache_of_cluster {
    cloakroom_testkit::conformance!(crate::place::remembered_in_cluster());
}
