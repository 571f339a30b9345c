//! Real servers for tests: private ones, on free ports and in directories of their own, ended with the test.
//!
//! They come from installed packages. A server that is missing is a failure that says what to install.

mod process;
mod redis;

pub use redis::{Durability, Redis};
