//! The demo over TLS: its sessions are bound to the browser's device.

use cloakroom_browsers::{Driver, Settings};

use super::sign_in;
use crate::server::Server;

const COOKIE: &str = "__Host-id";

/// A browser as the demo's note starts one: it trusts the certificate, and has keys in software.
fn browser(server: &Server, features: &str) -> Driver {
    let note = server.messages();
    let digest = note.split("--ignore-certificate-errors-spki-list=").nth(1).expect("the note");
    let digest = digest.split_whitespace().next().expect("a digest");
    let trusted = format!("--ignore-certificate-errors-spki-list={digest}");
    let features = format!("--enable-features={features}");
    Driver::start_with(Settings::default().argument(trusted).argument(features))
}

const BINDING: &str = "DeviceBoundSessions:RefreshQuota/false,\
                       EnableBoundSessionCredentialsSoftwareKeysForManualTesting";

fn is_signed_in(driver: &Driver, url: &str) -> bool {
    driver.go(url);
    driver.text("main").contains("Signed in as alice")
}

#[test]
fn a_copied_cookie_dies_and_the_owner_stays_signed_in() {
    // Ten minutes are two seconds.
    let server = Server::start_with("memory:", &["--tls", "--speed", "300"]);
    let url = server.url();
    assert!(url.starts_with("https://localhost:"), "{url}");
    let owner = browser(&server, BINDING);
    sign_in(&owner, url, "alice", "wonderland");
    let mut attempts = 0;
    while !owner.text("main").contains("bound by its ES256 key") {
        owner.go(url);
        attempts += 1;
        assert!(attempts < 1_000, "the browser binds the session: {}", owner.text("main"));
    }

    let mut copy = owner.cookie(COOKIE).expect("the session cookie");
    // A cookie of this prefix has no Domain.
    copy.as_object_mut().expect("an object").remove("domain");
    let attacker = browser(&server, "Vulkan");
    attacker.go(url);
    attacker.set_cookie(&copy);
    let mut attempts = 0;
    while is_signed_in(&attacker, url) {
        // Someone who loads a page now and then stays signed in.
        owner.go(url);
        attempts += 1;
        assert!(attempts < 1_000, "the copy is good for ten minutes");
    }
    for _ in 0..3 {
        // The first page can be the one at which the browser learns that its cookie is over.
        assert!(is_signed_in(&owner, url) || is_signed_in(&owner, url), "{}", owner.text("main"));
        attacker.set_cookie(&copy);
        assert!(!is_signed_in(&attacker, url));
    }
    owner.click("a[href='/devices']");
    assert!(owner.text("main").contains("bound to its device"), "{}", owner.text("main"));
}
