//! Two tabs of one browser.

use std::time::Duration;

use crate::browser;
use crate::server::Server;

#[test]
fn two_tabs_that_renew_at_once_keep_one_session() {
    let (server, driver) = (Server::start(), browser());
    server.sign_in(&driver, "alice");
    let first = driver.tab();
    let second = driver.open_tab();
    driver.go(&server.url("/"));
    for round in 1..=3 {
        server.advance(Duration::from_secs(15 * 60));
        // Both requests are at the server before either is answered.
        for (tab, name) in [(&first, "first"), (&second, "second")] {
            driver.switch(tab);
            let name = format!("{name} {round}");
            driver.run(&format!("fetch('/visit?delay={name}', {{method: 'POST'}})"));
            server.wait_for(&name);
        }
        for name in ["second", "first"] {
            server.release(&format!("{name} {round}"));
        }
        server.exchange("/visit", 2 * round);
        for tab in [&first, &second] {
            driver.switch(tab);
            driver.go(&server.url("/"));
            assert_eq!(driver.text("#who"), "alice");
            server.advance(Duration::from_secs(60));
        }
        assert_eq!(driver.text("#visits"), (2 * round).to_string());
    }
    assert!(!server.backend.events().contains(&"KeyReused".to_owned()));
}
