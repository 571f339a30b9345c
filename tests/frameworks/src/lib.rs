//! One site on four kinds of server, for the scenarios that every framework's integration must pass.
//!
//! Each server is one function from sessions and a barrier to a [`RunningServer`](cloakroom_testkit::scenarios::RunningServer); see there for its
//! routes. `tests/it` runs them all, on the memory store and on Redis.
#![allow(
    clippy::missing_panics_doc,
    reason = "a server for tests that can't start is a test that fails"
)]

mod actix;
mod axum;
mod blocking;
mod hyper;
mod running;

pub use actix::serve as actix;
pub use actix::serve_with_cancellation as actix_with_cancellation;
pub use axum::serve as axum;
pub use blocking::serve as blocking;
pub use hyper::serve as hyper;
