//! What actix-session requires of a store, and what its own stores get wrong, on every store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]

/// Declares a test of each scenario on every store.
macro_rules! on_every_store {
    ($($scenario:ident)*) => {
        cloakroom_test_stores::on_every_store!(crate::run: $($scenario)*);
    };
}

mod app;
mod bridge;
mod contract;
mod expiry;
mod faults;
mod observed;
mod revival;
mod routes;
mod secrecy;
mod unreadable;
mod workflow;

/// Runs in an actix-web system.
fn run<T>(scenario: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(scenario)
}
