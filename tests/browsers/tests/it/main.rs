//! What browsers and networks do to a session, in Chromium.
//!
//! `localhost` and `127.0.0.1` are two sites, and both count as trustworthy, so that a browser
//! sends `Sec-Fetch-Site` and keeps Secure cookies. Names below `.test` are plain sites on the same
//! port.

mod applications;
mod back;
mod cross_origin;
mod device;
mod foreign_site;
mod gate;
mod late_answers;
mod pages;
mod reuse_table;
mod server;
mod sign_in;
mod site_data;
mod speculation;
mod strict;
mod tabs;

use cloakroom_browsers::{Driver, Settings};

/// A browser that goes on while the server holds a response back, and finds `.test` here.
fn browser() -> Driver {
    Driver::start_with(settings())
}

fn settings() -> Settings {
    Settings::default().argument("--host-resolver-rules=MAP *.test 127.0.0.1").without_waiting()
}
