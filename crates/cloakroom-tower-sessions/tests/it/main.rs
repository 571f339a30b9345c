//! What tower-sessions requires of a store, and what its own stores get wrong, on every store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

/// Declares a test of each scenario on every store.
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
mod faults;
mod import;
mod moved;
mod observed;
mod revival;
mod routes;
mod secrecy;
mod unreadable;

use cloakroom_tower_sessions::TowerSessionStore;
use tower_sessions::SessionStore;

fn import_from(store: TowerSessionStore, old: impl SessionStore) -> TowerSessionStore {
    store.import_from_0_15(old)
}
