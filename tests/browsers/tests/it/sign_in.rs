//! Sign-in forms that are sent twice, or whose answer is lost.

use std::time::Duration;

use cloakroom_browsers::Driver;

use crate::browser;
use crate::server::Server;

/// A visitor with something in the session, and the sign-in form with a name.
fn visit_and_open_form(server: &Server, driver: &Driver) {
    driver.go(&server.url("/visit"));
    driver.go(&server.url("/login"));
    driver.type_into("#name", "alice");
}

/// Sends the form, whose answer is held back, and does something else before it comes.
///
/// The page does both, as the driver runs no script while the browser waits for the next page.
fn submit_and_then(server: &Server, driver: &Driver, then: &str, meanwhile: impl FnOnce()) {
    driver.leave(|| {
        driver.run(&format!(
            "const form = document.getElementById('login');
            form.action = '/login?hold=first';
            form.submit();
            fetch('/goodbye?hold=then').then(() => {{ {then} }})"
        ));
        server.wait_for("first");
        server.wait_for("then");
        meanwhile();
        server.release("then");
    });
}

fn assert_signed_in_with_cart(driver: &Driver) {
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "1"));
}

#[test]
fn a_double_click_on_the_sign_in_form_signs_in_once() {
    let (server, driver) = (Server::start(), browser());
    visit_and_open_form(&server, &driver);
    // The browser drops the answer of the first click.
    submit_and_then(&server, &driver, "form.action = '/login?second'; form.submit()", || ());
    server.release("first");
    assert_signed_in_with_cart(&driver);
    let (first, second) = (server.exchange("/login", 2), server.exchange("/login", 3));
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(first.set_cookie, second.set_cookie, "both are sent the same key");
    driver.go(&server.url("/"));
    assert_signed_in_with_cart(&driver);
}

#[test]
fn a_sign_in_whose_answer_was_lost_can_be_repeated_at_once_and_later() {
    let driver = browser();
    for wait in [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(20 * 60)] {
        let server = Server::start();
        visit_and_open_form(&server, &driver);
        submit_and_then(&server, &driver, "location = '/login'", || server.advance(wait));
        server.release("first");
        driver.type_into("#name", "alice");
        driver.click("#login button");
        assert_signed_in_with_cart(&driver);
        driver.go(&server.url("/"));
        assert_signed_in_with_cart(&driver);
    }
}
