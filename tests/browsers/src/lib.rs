//! Chromium, driven through its own driver, for tests that need a real browser.
//!
//! The tests of this package play what browsers and networks do to a session: tabs, foreign sites,
//! prefetches, the back/forward cache, lost answers. `cargo xtask test` finds Chromium and its
//! driver, or fetches them. Without them, these tests fail.
#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test cannot go on without its browser"
)]

mod driver;

pub use driver::{Driver, ENTER, Settings, TAB};
