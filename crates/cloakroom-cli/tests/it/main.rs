//! The command as its users meet it: a real process, spoken to over real HTTP.

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
mod tool;
