//! The library as its users meet it: over a framework, and through the compiler's messages.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod actix;
mod at_once;
mod concurrency;
mod framework;
mod messages;
mod near_cache;
mod peers;
mod readme;
mod sealed;
mod timeout;
mod watching;
