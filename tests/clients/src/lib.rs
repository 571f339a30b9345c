//! HTTP clients that people use, each with its own cookie jar, against a real server.
//!
//! [`Server`] is an application on axum and SQLite, whose clock the clients move. `programs` has a
//! program for each client: it visits, signs in, is renewed, signs out, and prints what it sees.
//! The tests run the programs and judge. `cargo xtask test` finds what they need, or fetches it.
#![allow(clippy::missing_panics_doc, reason = "a test cannot go on without its server")]

mod log;
mod pages;
mod server;
mod tls;

pub use log::Exchange;
pub use server::Server;
