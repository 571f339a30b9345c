//! The pages as pictures, for `docs/`: `cargo xtask screenshots` says where to put them.

use std::env;
use std::fs;
use std::path::PathBuf;

use base64ct::{Base64, Encoding};

use super::driver::Driver;
use super::{come_in, sign_in};
use crate::server::Server;

/// Takes a picture in light and in dark, and keeps both if somebody wants them.
fn portray(driver: &Driver, name: &str) {
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        driver.prefer(scheme);
        grounds.push(driver.ground());
        let picture = Base64::decode_vec(&driver.picture()).expect("base64");
        assert!(
            picture.starts_with(b"\x89PNG") && picture.len() > 10_000,
            "{name}: {} bytes",
            picture.len()
        );
        if let Some(directory) = env::var_os("CLOAKROOM_SCREENSHOTS") {
            let path = PathBuf::from(directory).join(format!("{name}-{scheme}.png"));
            fs::write(path, picture).expect("a place for pictures");
        }
    }
    assert_ne!(grounds[0], grounds[1], "{name} looks the same in the dark");
}

#[test]
fn every_page_has_a_light_and_a_dark_face() {
    let server = Server::start();
    let (here, there) = (Driver::start(), Driver::start());
    here.go(server.url());
    portray(&here, "welcome");

    sign_in(&here, server.url(), "alice", "wonderland");
    for item in ["a felt hat", "an umbrella"] {
        here.type_into("#item", item);
        here.click("form[action='/cart'] button");
        here.click("form[action='/visit'] button");
    }
    portray(&here, "signed-in");

    sign_in(&there, server.url(), "alice", "wonderland");
    here.click("a[href='/devices']");
    portray(&here, "devices");

    here.click("form[action='/logout/others'] button");
    there.click("form[action='/visit'] button");
    portray(&there, "signed-out-elsewhere");

    sign_in(&there, server.url(), "bob", "builder");
    let operator = Driver::start();
    let office = come_in(&operator, &server);
    operator.wait_for("#live table a", "bob");
    portray(&operator, "operator");
    operator.go(&format!("{office}/sessions"));
    portray(&operator, "operator-sessions");
    operator.go(&format!("{office}/revoke?principal=bob"));
    operator.click("form[action='/revoke'] button");
    there.click("form[action='/visit'] button");
    portray(&there, "revoked-by-an-operator");
}
