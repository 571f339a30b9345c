//! The tests in `it`, with tower-sessions 0.14.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

extern crate tower_sessions_0_14 as tower_sessions;

/// Declares a test of each scenario on every store.
macro_rules! on_every_store {
    ($($scenario:ident)*) => {
        cloakroom_test_stores::on_every_store!(cloakroom_test_stores::run: $($scenario)*);
    };
}

#[path = "../it/app.rs"]
mod app;
#[path = "../it/bridge.rs"]
mod bridge;
#[path = "../it/contract.rs"]
mod contract;
#[path = "../it/cookies.rs"]
mod cookies;
#[path = "../it/expiry.rs"]
mod expiry;
#[path = "../it/faults.rs"]
mod faults;
#[path = "../it/moved.rs"]
mod moved;
#[path = "../it/observed.rs"]
mod observed;
#[path = "../it/revival.rs"]
mod revival;
#[path = "../it/routes.rs"]
mod routes;
#[path = "../it/secrecy.rs"]
mod secrecy;
#[path = "../it/unreadable.rs"]
mod unreadable;

use cloakroom_tower_sessions::TowerSessionStore;
use tower_sessions::SessionStore;

fn import_from(store: TowerSessionStore, old: impl SessionStore) -> TowerSessionStore {
    store.import_from_0_14(old)
}
