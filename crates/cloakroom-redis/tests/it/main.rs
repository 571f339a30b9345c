//! The suite on Redis, and what is Redis's own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

mod expiry;
mod hardship;
mod place;

mod near_cache {
    cloakroom_testkit::conformance!(crate::place::remembered());
}

mod redis {
    cloakroom_testkit::conformance!(crate::place::fresh());
}
