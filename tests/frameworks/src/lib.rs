//! The testkit's application on four kinds of server, for its scenarios.
//!
//! Each server is a function from sessions and a barrier to a
//! [`RunningServer`](cloakroom_testkit::scenarios::RunningServer). `tests/it` runs the scenarios on
//! all of them, with the memory store and with Redis.
#![allow(clippy::missing_panics_doc, reason = "a test fails if its server cannot start")]

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
