//! Tests and test doubles for [`cloakroom`] sessions.
//!
//! For applications: a manager on a manual clock ([`TestSessions`]), a client that behaves like a
//! browser ([`Client`]), one that binds sessions to its device ([`DeviceBrowser`]), and stores that
//! count, fail or pause on demand ([`SpyStore`], [`FaultyStore`], [`StepStore`]).
//!
//! For stores: [`conformance!`] makes one test of every rule of the [`Store`] contract
//! ([`store_suite`]), of every rule of sessions on that store ([`session_suite`]), and compares
//! random operations with a naive model ([`oracle`]). This is the whole test file of a store,
//! `tests/it/main.rs`:
//!
//! ```
//! mod my_store {
//!     use cloakroom::MemoryStore; // or your own
//!
//!     cloakroom_testkit::conformance!(MemoryStore::new());
//! }
//! ```
//!
//! For framework integrations: [`scenarios!`] runs the same rules over real connections.
//!
//! # Features
//! - `scenarios`: the module [`mod@scenarios`] and its macro.
//! - `servers`: the module [`servers`], private Redis and PostgreSQL servers for tests, and what
//!   must hold while they crash, freeze and lose connections.
//!
//! # Panics
//! Everything here panics when a check fails, as tests do.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this crate consists of assertions, and a failed assertion must panic"
)]
#![allow(clippy::needless_pass_by_value, reason = "each test is given a store of its own")]

pub mod oracle;
#[cfg(feature = "scenarios")]
pub mod scenarios;
#[cfg(feature = "servers")]
pub mod servers;
pub mod session_suite;
pub mod store_suite;

mod client;
mod clock;
mod conformance;
mod cookie;
mod device_browser;
mod entropy;
mod faulty;
mod feed;
mod guarded;
mod monitor;
mod queued_writes;
mod round_trip;
mod spy;
mod step;
mod store_file;
mod test_sessions;

pub use client::{BrowserRequest, Client, Page};
pub use cloakroom::block_on;
pub use cloakroom::store::{Call, Operation};
pub use clock::{ManualClock, OffsetClock};
pub use cookie::{CookieSeen, SetsCookies, cookie_of};
pub use device_browser::{DeviceBrowser, DeviceRequest};
pub use entropy::SeededEntropy;
pub use faulty::{Fault, FaultyStore};
pub use feed::FeedStore;
pub use guarded::Guarded;
pub use queued_writes::assert_writes_keep_their_order;
pub use round_trip::assert_round_trips;
pub use spy::{Calls, SpyStore};
pub use step::{HeldCall, StepStore};
pub use store_file::StoreFile;
pub use test_sessions::TestSessions;

// The expansion of `conformance!` must not depend on what its caller imports.
#[doc(hidden)]
pub use cloakroom::Store;
