//! The laws of [`cloakroom`] sessions as tests that any [`Store`] can run.
//!
//! This is the whole test file of a store, `tests/it/main.rs`:
//!
//! ```
//! mod my_store {
//!     use cloakroom::MemoryStore; // or a store of yours
//!
//!     cloakroom_testkit::conformance!(MemoryStore::new());
//! }
//! ```
//!
//! # The rooms
//! - [`conformance!`] makes one test of every clause of the store contract ([`clauses`]), of every law of sessions
//!   ([`laws`]) and of the [`oracle`], a naive model that random operations are compared with.
//! - [`World`] is a manager with a [`ManualClock`] and a record of its events; [`SeededEntropy`] repeats itself on demand.
//! - [`SpyStore`] counts, [`FaultyStore`] fails and [`StepStore`] halts: decorators around any store. [`FeedStore`] tells of its changes. [`Guarded`] keeps the
//!   directory or server of a store alive as long as it.
//! - [`Client`] keeps cookies as a browser does; [`cookie_of`] reads what a response does to the cookie.
//! - [`scenarios!`] (feature `scenarios`) asks a framework's integration what the laws ask of a store: over real connections.
//! - [`assert_round_trips`] shows that values of yours survive their codec.
//!
//! # Panics
//! Everything here panics when it finds a law broken: that is what tests are made of.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this crate is made of assertions, and a failed one must panic"
)]
#![allow(clippy::needless_pass_by_value, reason = "a clause or law is given a store of its own")]

pub mod clauses;
pub mod laws;
pub mod oracle;
#[cfg(feature = "scenarios")]
pub mod scenarios;
#[cfg(feature = "servers")]
pub mod servers;

mod client;
mod clock;
mod conformance;
mod cookie;
mod entropy;
mod faulty;
mod feed;
mod guarded;
mod round_trip;
mod spy;
mod step;
mod watched;
mod world;

pub use client::Client;
pub use cloakroom::store::{Call, Operation};
pub use clock::ManualClock;
pub use cookie::{CookieSeen, SetsCookies, cookie_of};
pub use entropy::SeededEntropy;
pub use faulty::{Fault, FaultyStore};
pub use feed::FeedStore;
pub use guarded::Guarded;
pub use round_trip::assert_round_trips;
pub use spy::{Calls, SpyStore};
pub use step::{Held, StepStore};
pub use world::{World, block_on};

// For the expansion of `conformance!`, whose caller need not have the name in scope.
#[doc(hidden)]
pub use cloakroom::Store;
