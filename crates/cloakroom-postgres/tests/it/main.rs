//! The suite on PostgreSQL, and what is PostgreSQL's own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

mod encrypted;
mod hardship;
mod place;

mod near_cache {
    cloakroom_testkit::conformance!(crate::place::remembered());
}

mod postgres {
    cloakroom_testkit::conformance!(crate::place::fresh());
}
