//! The buttons that try to break a session.

use cloakroom_browsers::Driver;

use super::{sign_in, visits};
use crate::server::Server;

/// Presses the button of an experiment, and returns what the page says happened.
fn press(driver: &Driver, experiment: &str) -> String {
    driver.click(&format!("form[action^='/try/{experiment}'] button"));
    let result = format!("{experiment}-result");
    // It is in view then, and is read out.
    driver.wait_for_focus(&result);
    driver.text(&format!("#{result}[role=status]"))
}

#[test]
fn none_of_20_updates_at_once_is_lost() {
    let server = Server::start();
    let driver = Driver::start();
    driver.go(server.url());
    // Without a session, and then with one.
    for (before, after) in [(0, 20), (20, 40)] {
        let told = press(&driver, "updates");
        let counts = format!("The counter went from {before} to {after}.");
        assert!(told.contains(&counts) && told.contains("None of the 20 updates"), "{told}");
        assert_eq!(visits(&driver), after);
    }
    assert_eq!(driver.console(), Vec::<String>::new());
}

#[test]
fn an_old_key_is_refused_and_later_ends_a_session() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.click("form[action^='/visit'] button");
    let old = driver.cookie("id").expect("cookie");

    let told = press(&driver, "old-key");
    assert!(told.contains("The old key was refused, and nothing was changed."), "{told}");
    assert!(driver.text("main").contains("Signed in as alice"));
    assert_eq!(visits(&driver), 1);
    let rows: Vec<&str> = told.lines().rev().take(4).collect();
    for (row, (time, answer)) in rows.into_iter().rev().zip([
        ("0 seconds", "opens the session"),
        ("60 seconds", "is refused"),
        ("2 minutes", "opens nothing"),
        ("10 minutes", "ends the session"),
    ]) {
        assert!(row.contains(time) && row.contains(answer), "{row} in {told}");
    }
    // What the page says of this browser's old key is true.
    driver.set_cookie(&old);
    driver.go(server.url());
    assert!(driver.text("[role=status]").contains("replaced by a newer one"));
    assert_eq!(visits(&driver), 0);
}

#[test]
fn two_sign_ins_at_once_get_the_same_key_and_keep_the_cart() {
    let server = Server::start();
    let driver = Driver::start();
    driver.go(server.url());
    driver.type_into("#item", "hat");
    driver.click("form.row[action^='/cart'] button");
    // The visitor is anonymous, and then alice.
    for _ in 0..2 {
        let told = press(&driver, "sign-in");
        assert!(told.contains("both got the same new key"), "{told}");
        let page = driver.text("main");
        assert!(page.contains("Signed in as alice") && page.contains("hat"), "{page}");
    }
    driver.click("a[href='/devices']");
    assert_eq!(driver.count(".items li"), 1, "there is one session");
    driver.go(server.url());
    driver.click("form[action='/logout'] button");
    sign_in(&driver, server.url(), "bob", "builder");
    assert!(press(&driver, "sign-in").contains("You are signed in as bob"));
}

#[test]
fn a_session_that_expires_is_gone_and_the_page_says_why() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.click("form[action^='/visit'] button");
    let cookie = driver.cookie("id").expect("cookie");

    let told = press(&driver, "expiry");
    assert!(told.contains("Your session ends in 5 seconds"), "{told}");
    assert_eq!((visits(&driver), driver.count(".countdown")), (1, 1));
    // The page is loaded again without a click.
    driver.wait_for("#expiry-result", "Your session has expired");
    assert_eq!((visits(&driver), driver.count("form[action='/login']")), (0, 1));
    driver.set_cookie(&cookie);
    driver.go(server.url());
    assert_eq!(visits(&driver), 0, "a copy of the cookie opens nothing");
    driver.click("form[action^='/visit'] button");
    assert_eq!(visits(&driver), 1, "who has been told can start again at once");
}
