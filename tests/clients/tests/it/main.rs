//! Each client keeps, renews and ends its session; and what a client does that cannot keep it.
//!
//! `cargo xtask test` finds what the clients need, or fetches it. Without it, these tests fail.

mod program;
mod raw;
mod secure;
mod session;
