//! The command as its users meet it: a real process, spoken to over real HTTP.
#![allow(clippy::print_stdout, reason = "figures that a test measured")]
#![allow(clippy::panic, reason = "a test that can't go on must panic")]

mod admin;
mod browser;
mod chromium;
mod cookies;
mod crash;
mod devices;
mod held;
mod pages;
mod process;
mod programs;
mod server;
mod stores;
mod tool;
