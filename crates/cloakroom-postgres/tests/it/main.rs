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

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(crate::server::cached());
    }
}

mod postgres {
    cloakroom_testkit::conformance!(crate::server::store());

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(crate::server::store());
    }
}
