//! The demo in a real browser: what a visitor sees and does, and what becomes of it when the server dies.
//!
//! `cargo xtask test` finds Chromium and its driver, or installs them; without them these tests fail.

mod driver;
mod screenshots;

use crate::server::Server;
use driver::{Driver, ENTER, TAB};

/// Signs in by the form on the page.
fn sign_in(driver: &Driver, url: &str, user: &str, password: &str) {
    driver.go(url);
    driver.type_into("#user", user);
    driver.type_into("#password", password);
    driver.click("form[action='/login'] button");
    assert!(driver.text("main").contains("Signed in as"), "{}", driver.text("main"));
}

fn visits(driver: &Driver) -> u64 {
    driver.text(".count strong").parse().expect("a number")
}

#[test]
fn two_tabs_and_a_crash_lose_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("demo.db");
    let server = Server::start_on(&file);
    let (url, address) = (server.url().to_owned(), server.address().to_string());
    let driver = Driver::start();
    sign_in(&driver, &url, "alice", "wonderland");
    let first = driver.tab();
    let second = driver.open_tab();
    driver.go(&url);

    for (tab, item) in [(&first, "hat"), (&second, "coat"), (&first, "scarf"), (&second, "umbrella")] {
        driver.switch(tab);
        driver.type_into("#item", item);
        driver.click("form[action='/cart'] button");
        driver.click("form[action='/visit'] button");
    }
    assert_eq!(visits(&driver), 4);

    server.kill();
    let server = Server::start_at(&file, &address);
    assert_eq!(server.url(), url);
    for tab in [&first, &second] {
        driver.switch(tab);
        driver.go(&url);
        assert!(driver.text("main").contains("Signed in as alice"));
        assert_eq!(visits(&driver), 4);
        for item in ["hat", "coat", "scarf", "umbrella"] {
            assert!(driver.text(".items").contains(item), "{item}");
        }
    }
    driver.click("form[action='/visit'] button");
    assert_eq!(visits(&driver), 5);
}

#[test]
fn a_device_signed_out_from_another_is_out_at_its_next_click_and_told_why() {
    let server = Server::start();
    let (here, there) = (Driver::start(), Driver::start());
    sign_in(&here, server.url(), "alice", "wonderland");
    sign_in(&there, server.url(), "alice", "wonderland");
    here.click("a[href='/devices']");
    assert_eq!(here.count(".items li"), 2);
    assert_eq!(here.count(".badge"), 1);
    here.click("form[action='/logout/others'] button");
    assert_eq!(here.count(".items li"), 1);

    there.click("form[action='/visit'] button");
    assert!(there.text("[role=alert]").contains("from another of your devices"), "{}", there.text("main"));
    assert!(there.cookie("id").is_none());
    there.click("a[href='/']");
    assert!(there.text("main").contains("Sign in"));
    here.go(server.url());
    assert!(here.text("main").contains("Signed in as alice"));
}

#[test]
fn after_signing_out_neither_the_old_cookie_nor_the_back_button_opens_anything() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.type_into("#item", "a secret gift");
    driver.click("form[action='/cart'] button");
    let cookie = driver.cookie("id").expect("a key");
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&true.into(), &"Lax".into()));

    driver.click("form[action='/logout'] button");
    assert!(driver.text("main").contains("You are signed out"));
    assert!(driver.cookie("id").is_none());
    driver.back();
    driver.back();
    assert!(!driver.source().contains("a secret gift"), "the back button shows it");
    assert!(driver.source().contains("Sign in"));

    driver.set_cookie(&cookie);
    driver.go(server.url());
    let page = driver.text("main");
    assert!(page.contains("You signed out") && !page.contains("a secret gift"), "{page}");
    assert!(driver.cookie("id").is_none(), "the page takes the old cookie away");
}

#[test]
fn the_keyboard_is_enough() {
    let server = Server::start();
    let driver = Driver::start();
    driver.go(server.url());
    let mut reached = Vec::new();
    while reached.last().is_none_or(|name| name != "password") {
        driver.press(TAB);
        reached.push(driver.focused());
        assert!(reached.len() < 20, "the form is not reached: {reached:?}");
        if reached.last().is_some_and(|name| name == "user") {
            driver.press("alice");
        }
    }
    assert!(reached.contains(&"item".to_owned()), "{reached:?}");
    driver.press("wonderland");
    driver.leave(|| driver.press(ENTER));
    assert!(driver.text("main").contains("Signed in as alice"), "{}", driver.text("main"));
}

#[test]
fn the_pages_complain_of_nothing_and_name_all_their_controls() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.type_into("#item", "hat");
    driver.click("form[action='/cart'] button");
    for path in ["/", "/devices", "/goodbye", "/nowhere"] {
        driver.go(&format!("{}{path}", server.url()));
        assert_eq!(driver.count("h1"), 1, "{path}");
        assert_eq!(driver.count("html[lang]"), 1, "{path}");
        assert_eq!(driver.unnamed_controls(), Vec::<String>::new(), "{path}");
    }
    let complaints: Vec<String> =
        driver.complaints().into_iter().filter(|text| !text.contains("404")).collect();
    assert_eq!(complaints, Vec::<String>::new());
}
