//! The store suite on Redis, and tests of Redis's own behavior.
#![allow(clippy::print_stdout, reason = "tests print what they measured")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue must panic")]

mod chaos;
mod cluster;
mod encrypted;
mod expiry;
mod native;
mod sentinel;
mod server;
mod server_settings;

mod near_cache {
    cloakroom_testkit::conformance!(crate::server::cached());

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(crate::server::cached());
    }
}

mod redis {
    cloakroom_testkit::conformance!(crate::server::store());

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(crate::server::store());
    }
}

mod valkey {
    cloakroom_testkit::conformance!(crate::server::on_valkey());

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(crate::server::on_valkey());
    }
}

mod redis_cluster {
    cloakroom_testkit::conformance!(crate::server::in_cluster());

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(crate::server::in_cluster());
    }
}

mod near_cache_of_cluster {
    cloakroom_testkit::conformance!(crate::server::cached_in_cluster());
}
