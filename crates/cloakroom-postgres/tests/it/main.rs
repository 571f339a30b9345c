//! The store suite on PostgreSQL, and tests of PostgreSQL's own behavior.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue must panic")]

mod chaos;
mod encrypted;
mod failover;
mod feed;
mod locks;
mod opening;
mod poolers;
mod server;

mod near_cache {
    cloakroom_testkit::conformance!(crate::server::cached());
}

mod postgres {
    cloakroom_testkit::conformance!(crate::server::store());
}
