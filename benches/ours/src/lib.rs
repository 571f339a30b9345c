//! Benchmarks of cloakroom and of the hand-written baseline.
//!
//! The program of this package measures our own code. The package `cloakroom-compare` uses this
//! library to measure other libraries in the same way and in the same run. A bench is a function
//! that takes the contenders; each package passes its own.
#![allow(
    missing_debug_implementations,
    missing_docs,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "only the two bench programs use this library"
)]

pub mod bounds;
pub mod child;
pub mod codec;
#[cfg(feature = "stores")]
pub mod hot;
pub mod memory;
pub mod meter;
pub mod options;
pub mod overhead;
pub mod report;
#[cfg(feature = "stores")]
pub mod scale;
#[cfg(feature = "stores")]
pub mod servers;
pub mod store;
#[cfg(feature = "stores")]
pub mod trips;
pub mod valgrind;
pub mod visitor;

#[cfg(feature = "stores")]
mod engine;

/// Any error: a bench that fails prints it and ends.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Refuses to time a debug build.
pub fn require_release_build() -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build: run it with `--profile bench` or `--release`".into());
    }
    Ok(())
}
