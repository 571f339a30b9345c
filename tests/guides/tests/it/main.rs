//! What the pages promise, where a program on a page would show too much.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod observability;
