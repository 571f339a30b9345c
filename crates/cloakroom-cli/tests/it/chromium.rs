//! The demo and the operator's page in Chromium.
//!
//! `cargo xtask test` finds Chromium and its driver, or installs them. Without them, these tests
//! fail.

mod device_binding;
mod experiments;
mod other_server;
mod screenshots;

use crate::server::Server;
use cloakroom_browsers::{Driver, ENTER, TAB};
use other_server::OtherServer;

/// Signs in with the form.
fn sign_in(driver: &Driver, url: &str, user: &str, password: &str) {
    driver.go(url);
    driver.type_into("#user", user);
    driver.type_into("#password", password);
    driver.click("form[action='/login'] button");
    assert!(driver.text("main").contains("Signed in as"), "{}", driver.text("main"));
}

fn visits(driver: &Driver) -> u64 {
    driver.text(".count strong").parse().expect("number")
}

#[test]
fn two_tabs_and_a_crash_lose_no_data() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("demo.db");
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
        driver.click("form.row[action^='/cart'] button");
        driver.click("form[action^='/visit'] button");
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
    driver.click("form[action^='/visit'] button");
    assert_eq!(visits(&driver), 5);
}

#[test]
fn a_device_signed_out_from_another_is_told_why_at_its_next_request() {
    let server = Server::start();
    let (here, there) = (Driver::start(), Driver::start());
    sign_in(&here, server.url(), "alice", "wonderland");
    sign_in(&there, server.url(), "alice", "wonderland");
    here.click("a[href='/devices']");
    assert_eq!(here.count(".items li"), 2);
    assert_eq!(here.count(".badge"), 1);
    here.click("form[action='/logout/others'] button");
    assert_eq!(here.count(".items li"), 1);

    there.click("form[action^='/visit'] button");
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
fn after_signing_out_neither_the_back_button_nor_the_old_cookie_shows_anything() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.type_into("#item", "a secret gift");
    driver.click("form.row[action^='/cart'] button");
    let cookie = driver.cookie("id").expect("cookie");
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
    driver.click("form[action^='/visit'] button");
    assert_eq!(visits(&driver), 1, "a change begins a new session");
    assert_ne!(driver.cookie("id").expect("cookie")["value"], cookie["value"]);
}

#[test]
fn the_page_that_a_sign_in_led_to_is_not_shown_again_after_signing_out() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.click("form[action='/logout'] button");
    driver.back();
    let page = driver.text("main");
    assert!(!page.contains("Signed in as") && page.contains("Sign in"), "{page}");
}

#[test]
fn a_copied_cookie_used_long_after_renewal_ends_the_session_and_its_owner_is_told_why() {
    let server = Server::start_fast("120");
    let owner = Driver::start();
    sign_in(&owner, server.url(), "alice", "wonderland");
    let copied = owner.cookie("id").expect("cookie")["value"].clone();
    while owner.cookie("id").expect("cookie")["value"] == copied {
        owner.go(server.url());
    }
    let mut attacker = server.browser();
    let mut retired = false;
    loop {
        owner.go(server.url());
        if owner.text("main").contains("used by two browsers") {
            break;
        }
        assert!(owner.text("main").contains("Signed in as alice"), "{}", owner.text("main"));
        attacker.cookie = Some(format!("id={}", copied.as_str().expect("string")));
        // The copy opens the session until it is retired, and never again.
        let opens = attacker.session()["principal"] == "alice";
        assert!(!(opens && retired), "a retired key opens the session again");
        retired |= !opens;
    }
    assert!(retired);
    sign_in(&owner, server.url(), "alice", "wonderland");
    let mut metrics = server.browser();
    assert!(metrics.get("/metrics").body.contains("event=\"session_key_reused\"} 1"));
}

#[test]
fn a_session_that_an_operator_ends_is_over_at_the_next_request() {
    let server = Server::start();
    let (visitor, operator) = (Driver::start(), Driver::start());
    sign_in(&visitor, server.url(), "alice", "wonderland");
    let site = log_in(&operator, &server);
    operator.go(&format!("{site}/"));
    operator.wait_for("#live table a", "alice");
    assert_eq!(operator.count("svg.chart polyline"), 2);

    operator.type_into("#q", "alice");
    operator.click("form[role=search] button");
    assert_eq!(operator.count(".items li"), 1);
    operator.click(".items a.button");
    assert!(operator.text("h1").contains("End this session?"));
    operator.click("form[action='revoke'] button");
    assert!(operator.text("[role=status]").contains("was ended"));

    visitor.click("form[action^='/visit'] button");
    assert!(visitor.text("[role=alert]").contains("An operator of this site ended your session"));
    assert!(visitor.cookie("id").is_none());
    operator.go(&format!("{site}/sessions?q=alice"));
    assert_eq!(operator.count(".items li"), 0);

    for path in ["/", "/sessions", "/events", "/revoke?principal=alice"] {
        operator.go(&format!("{site}{path}"));
        assert_eq!((operator.count("h1"), operator.count("html[lang]")), (1, 1), "{path}");
        assert_eq!(operator.unlabelled_controls(), Vec::<String>::new(), "{path}");
    }
    assert_eq!(operator.console(), Vec::<String>::new());
}

/// Signs the operator in, and returns the page's URL without the token.
fn log_in(operator: &Driver, server: &Server) -> String {
    operator.go(server.admin_url());
    assert!(operator.text("h1").contains("Active sessions"), "the address bar led to it");
    server.admin_url().split_once("/login").expect("path").0.to_owned()
}

#[test]
fn the_operators_key_is_sent_to_no_other_server_on_this_machine() {
    let server = Server::start();
    let operator = Driver::start();
    let site = log_in(&operator, &server);
    for host in [host_of(&site), "127.0.0.1"] {
        let other = OtherServer::start();
        operator.go(&format!("http://{host}:{}/", other.port));
        let request = other.request();
        assert!(request.starts_with("get / ") && !request.contains("cookie:"), "{request}");
    }
    operator.go(&format!("{site}/"));
    assert!(operator.text("h1").contains("Active sessions"));
    operator.click("form[action='logout'] button");
    assert!(operator.text("h1").contains("Signed out"));
    operator.go(&format!("{site}/"));
    assert!(operator.text("h1").contains("Operators only"));
    operator.go(server.admin_url());
    assert!(operator.text("h1").contains("This address was used already"));
}

/// Behind a link of another site, a browser sends no Strict cookie with a redirected request.
#[test]
fn a_link_on_another_site_signs_the_operator_in() {
    let server = Server::start();
    let operator = Driver::start();
    // The demo is served at 127.0.0.1: to a browser, `localhost` is another site.
    operator.go(&server.url().replace("127.0.0.1", "localhost"));
    operator.leave(|| {
        operator.run(&format!("location.href = '{}'", server.admin_url()));
    });
    assert!(operator.text("h1").contains("Signed in as operator"));
    operator.click("main a.button");
    assert!(operator.text("h1").contains("Active sessions"));
}

/// The host of a URL, without its port.
fn host_of(url: &str) -> &str {
    url.trim_start_matches("http://").split(':').next().expect("host")
}

#[test]
fn a_visitor_can_sign_in_with_the_keyboard_only() {
    let server = Server::start();
    let driver = Driver::start();
    driver.go(server.url());
    let mut reached = Vec::new();
    while reached.last().is_none_or(|name| name != "password") {
        driver.press(TAB);
        reached.push(driver.focused());
        assert!(reached.len() < 20, "tabbing does not reach the form: {reached:?}");
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
fn the_pages_log_no_errors_and_label_every_control() {
    let server = Server::start();
    let driver = Driver::start();
    sign_in(&driver, server.url(), "alice", "wonderland");
    driver.type_into("#item", "hat");
    driver.click("form.row[action^='/cart'] button");
    for path in ["/", "/devices", "/goodbye", "/nowhere"] {
        driver.go(&format!("{}{path}", server.url()));
        assert_eq!(driver.count("h1"), 1, "{path}");
        assert_eq!(driver.count("html[lang]"), 1, "{path}");
        assert_eq!(driver.unlabelled_controls(), Vec::<String>::new(), "{path}");
    }
    let errors: Vec<String> =
        driver.console().into_iter().filter(|text| !text.contains("404")).collect();
    assert_eq!(errors, Vec::<String>::new());
}
