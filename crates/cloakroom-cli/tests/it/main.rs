//! The command as a user runs it: a real process, reached over real HTTP.
#![allow(clippy::print_stdout, reason = "tests print what they measured")]
#![allow(clippy::panic, reason = "a failing test must panic")]

mod admin;
mod api;
mod browser;
mod chromium;
mod cookies;
mod crash;
mod devices;
mod held_request;
mod ids;
mod list;
mod messages;
mod pages;
mod process;
mod restore;
mod server;
mod stores;
mod tool;
