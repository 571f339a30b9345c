//! What tower-sessions asks of a store, and what its own stores get wrong, on every store of Cloakroom's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

/// One test of each scenario on this store.
macro_rules! on_store {
    ($store:ident: $($scenario:ident)*) => {
        mod $store {
            $(#[test]
            fn $scenario() {
                let store = crate::place::$store();
                crate::place::RUNTIME.block_on(super::$scenario(store));
            })*
        }
    };
}

/// One test of each scenario on every store there is.
macro_rules! on_every_store {
    ($($scenario:ident)*) => {
        on_store!(memory: $($scenario)*);
        on_store!(encoded: $($scenario)*);
        on_store!(sqlite: $($scenario)*);
        on_store!(postgres: $($scenario)*);
        on_store!(redis: $($scenario)*);
        on_store!(near_cache: $($scenario)*);
    };
}

mod app;
mod bridge;
mod contract;
mod cookies;
mod expiry;
mod hardship;
mod inherit;
mod observed;
mod place;
mod revival;
mod routes;
mod secrecy;
mod unreadable;
