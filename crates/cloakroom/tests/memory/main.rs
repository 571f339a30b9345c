//! The stores that hold sessions in memory take no more of it than 1.5 times their bound, whatever
//! the sessions are.
//!
//! A program of its own, because it counts what its allocator gives out.

#![allow(clippy::large_enum_variant, reason = "some values are that wasteful")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are helpers of tests")]

mod cached;
mod fill;
mod in_memory;
mod meter;
mod values;
