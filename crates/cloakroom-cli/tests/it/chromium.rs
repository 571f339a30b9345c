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

    for (tab, item) in
        [(&first, "hat"), (&second, "coat"), (&first, "scarf"), (&second, "umbrella")]
    {
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
    assert!(
        there.text("[role=alert]").contains("from another of your devices"),
        "{}",
        there.text("main")
    );
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
fn a_copied_cookie_used_long_after_renewal_ends_the_session_and_the_owner_is_told_why() {
    let server = Server::start_fast("120");
    let owner = Driver::start();
    sign_in(&owner, server.url(), "alice", "wonderland");
    let copied = owner.cookie("id").expect("a key")["value"].clone();
    while owner.cookie("id").expect("a key")["value"] == copied {
        owner.go(server.url());
    }
    let mut thief = server.browser();
    let mut retired = false;
    loop {
        owner.go(server.url());
        if owner.text("main").contains("copies of one key") {
            break;
        }
        assert!(owner.text("main").contains("Signed in as alice"), "{}", owner.text("main"));
        thief.cookie = Some(format!("id={}", copied.as_str().expect("text")));
        // It opens the session until the browser has used its new key for a while, and never again.
        let opens = thief.session()["principal"] == "alice";
        assert!(!(opens && retired), "the copy opens the session again");
        retired |= !opens;
    }
    assert!(retired && owner.cookie("id").is_none());
    assert_eq!(owner.count("form[action='/login']"), 1, "the owner may sign in again at once");
    let mut measures = server.browser();
    assert!(measures.get("/metrics").body.contains("event=\"session_key_reused\"} 1"));
}

#[test]
fn an_operator_ends_a_session_and_that_browser_is_out_at_its_next_click() {
    let server = Server::start();
    let (visitor, operator) = (Driver::start(), Driver::start());
    sign_in(&visitor, server.url(), "alice", "wonderland");
    let office = come_in(&operator, &server);
    operator.go(&office);
    operator.wait_for("#live table a", "alice");
    assert_eq!(operator.count("svg.chart polyline"), 2);

    operator.type_into("#q", "alice");
    operator.click("form[role=search] button");
    assert_eq!(operator.count(".items li"), 1);
    operator.click(".items a.button");
    assert!(operator.text("h1").contains("End this session?"));
    operator.click("form[action='/revoke'] button");

    visitor.click("form[action='/visit'] button");
    assert!(visitor.text("[role=alert]").contains("An operator of this site ended your session"));
    assert!(visitor.cookie("id").is_none());
    operator.go(&format!("{office}/sessions?q=alice"));
    assert_eq!(operator.count(".items li"), 0);

    for path in ["/", "/sessions", "/events", "/revoke?principal=alice"] {
        operator.go(&format!("{office}{path}"));
        assert_eq!((operator.count("h1"), operator.count("html[lang]")), (1, 1), "{path}");
        assert_eq!(operator.unnamed_controls(), Vec::<String>::new(), "{path}");
    }
    assert_eq!(operator.complaints(), Vec::<String>::new());
}

/// Opens the operator's page; its address without the token.
fn come_in(operator: &Driver, server: &Server) -> String {
    operator.go(server.operators());
    operator.click("main a.button");
    server.operators().split_once("/enter").expect("a path").0.to_owned()
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
