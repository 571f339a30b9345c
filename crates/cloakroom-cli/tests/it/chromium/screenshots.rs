//! Screenshots for `docs/screenshots`. `cargo xtask screenshots` saves them there.

use std::env;
use std::fs;
use std::path::PathBuf;

use base64ct::{Base64, Encoding};

use cloakroom_browsers::Driver;

use super::{log_in, sign_in};
use crate::server::Server;

/// Takes a light and a dark screenshot, and saves them if `CLOAKROOM_SCREENSHOTS` is set.
fn screenshots(driver: &Driver, name: &str) {
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        driver.prefer(scheme);
        backgrounds.push(driver.background());
        let image = Base64::decode_vec(&driver.screenshot()).expect("base64");
        assert!(
            image.starts_with(b"\x89PNG") && image.len() > 10_000,
            "{name}: {} bytes",
            image.len()
        );
        if let Some(directory) = env::var_os("CLOAKROOM_SCREENSHOTS") {
            let path = PathBuf::from(directory).join(format!("{name}-{scheme}.png"));
            fs::write(path, image).expect("screenshot saved");
        }
    }
    assert_ne!(backgrounds[0], backgrounds[1], "{name} has no dark colours");
}

#[test]
fn every_page_has_light_and_dark_colours() {
    let server = Server::start();
    let (here, there) = (Driver::start(), Driver::start());
    here.go(server.url());
    screenshots(&here, "welcome");

    sign_in(&here, server.url(), "alice", "wonderland");
    for item in ["a felt hat", "an umbrella"] {
        here.type_into("#item", item);
        here.click("form.row[action^='/cart'] button");
        here.click("form[action^='/visit'] button");
    }
    screenshots(&here, "signed-in");
    here.click("form[action^='/try/old-key'] button");
    screenshots(&here, "old-key");

    sign_in(&there, server.url(), "alice", "wonderland");
    here.click("a[href='/devices']");
    screenshots(&here, "devices");

    here.click("form[action='/logout/others'] button");
    there.click("form[action^='/visit'] button");
    screenshots(&there, "signed-out-elsewhere");

    sign_in(&there, server.url(), "bob", "builder");
    let operator = Driver::start();
    let site = log_in(&operator, &server);
    operator.wait_for("#live table a", "bob");
    screenshots(&operator, "operator");
    operator.go(&format!("{site}/sessions"));
    screenshots(&operator, "operator-sessions");
    operator.go(&format!("{site}/revoke?principal=bob"));
    operator.click("form[action='revoke'] button");
    there.click("form[action^='/visit'] button");
    screenshots(&there, "revoked-by-an-operator");
}
