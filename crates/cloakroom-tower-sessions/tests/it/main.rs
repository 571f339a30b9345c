//! What tower-sessions asks of a store, and what its own stores get wrong, on every store of Cloakroom's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

/// One test of each scenario on every store there is.
macro_rules! on_every_store {
    ($($scenario:ident)*) => {
        cloakroom_test_stores::on_every_store!(cloakroom_test_stores::run: $($scenario)*);
    };
}

mod app;
mod bridge;
mod contract;
mod cookies;
mod expiry;
mod hardship;
mod import_legacy;
mod observed;
mod revival;
mod routes;
mod secrecy;
mod unreadable;
