//! Pages that the browser fetches before anyone asks for them.

use std::time::Duration;

use cloakroom_browsers::{Driver, Settings};

use crate::server::Server;
use crate::settings;

fn prefetching() -> Driver {
    Driver::start_with(preloading(settings()))
}

/// "Preload pages", which is off in some builds.
fn preloading(settings: Settings) -> Settings {
    settings.preference("net.network_prediction_options", 0)
}

const RULES: &str = r#"<script type=speculationrules>
{"prefetch": [{"urls": ["/messages"], "eagerness": "immediate"}]}</script>"#;
const LINK: &str = "<link rel=prefetch href=/messages>";

#[test]
fn a_message_waits_for_the_person_and_a_key_for_a_real_request() {
    let driver = prefetching();
    for (page, site) in [(RULES, "none"), (LINK, "same-origin")] {
        let server = Server::start();
        server.sign_in(&driver, "alice");
        driver.click("#notice button");
        let cookie = driver.cookie("__Host-id");
        // A renewal is due.
        server.advance(Duration::from_secs(15 * 60));
        driver.go(&server.page("localhost", page));
        let sent = server.exchange("/messages", 1);
        assert_eq!(sent.header("sec-purpose"), "prefetch");
        assert_eq!(sent.header("sec-fetch-site"), site);
        assert!(sent.header("cookie").contains("__Host-id="), "{sent:?}");
        assert_eq!((sent.status, sent.set_cookie.len()), (200, 0));
        assert_eq!(driver.cookie("__Host-id"), cookie);

        // From the address bar, as the page of the prefetch may be shown to one who clicks.
        driver.go(&server.url("/messages?shown"));
        assert_eq!(driver.text("#messages"), "Saved");
        assert_ne!(driver.cookie("__Host-id"), cookie, "renewed by a request of the person");
        driver.go(&server.url("/messages?again"));
        assert_eq!(driver.text("#messages"), "");
    }
}
