//! Pages of another site that send requests to ours.

use cloakroom::CookiePolicy;

use crate::browser;
use crate::server::Server;

/// A page whose form sends itself.
pub(crate) fn form(action: &str, fields: &str) -> String {
    format!(
        "<form method=post action='{action}'>{fields}</form><script>document.forms[0].submit()\
         </script>"
    )
}

#[test]
fn a_foreign_form_to_a_page_that_writes_signs_no_one_out() {
    let (server, driver) = (Server::start(), browser());
    server.sign_in(&driver, "alice");
    let cookie = driver.cookie("__Host-id");
    driver.go(&server.foreign(&form(&server.url("/visit"), "")));
    // The browser kept the cookie back. The answer sends it to a page of ours, which has it.
    driver.wait_for("#who", "alice");
    let sent = server.exchange("/visit", 1);
    assert_eq!(
        (sent.header("cookie"), sent.header("sec-fetch-site").as_str()),
        (String::new(), "cross-site")
    );
    assert_eq!((sent.status, sent.set_cookie.len()), (303, 0));
    driver.go(&server.url("/"));
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "0"));
    assert_eq!(driver.cookie("__Host-id"), cookie);
}

#[test]
fn a_foreign_form_to_a_plain_address_is_known_by_its_origin() {
    let server = Server::with_cookie(CookiePolicy::for_plain_http("id"));
    let driver = browser();
    driver.go(&server.at("shop.test", "/login"));
    driver.type_into("#name", "alice");
    driver.click("#login button");
    driver.go(&server.page("evil.test", &form(&server.at("shop.test", "/visit"), "")));
    driver.wait_for("#who", "alice");
    let sent = server.exchange("/visit", 1);
    assert_eq!((sent.header("cookie"), sent.header("sec-fetch-site")), Default::default());
    assert_eq!((sent.status, sent.set_cookie.len()), (303, 0));
}

#[test]
fn a_foreign_form_signs_no_one_in_as_the_attacker() {
    let (server, driver) = (Server::start(), browser());
    let forged = server.foreign(&form(&server.url("/enter"), "<input name=name value=mallory>"));
    // With a session that the cookie is kept back of, and without any.
    for name in ["no one", "alice"] {
        if name == "alice" {
            server.sign_in(&driver, name);
        }
        driver.go(&forged);
        driver.wait_until("location.pathname !== '/page' && document.readyState === 'complete'");
        driver.go(&server.url("/"));
        assert_eq!(driver.text("#who"), name);
    }
    assert!(server.exchanges("/enter").iter().all(|it| it.set_cookie.is_empty()));
}

#[test]
fn an_embedded_page_begins_nothing_and_removes_nothing() {
    let (server, driver) = (Server::start(), browser());
    server.sign_in(&driver, "alice");
    let cookie = driver.cookie("__Host-id");
    let embed = format!(
        "<iframe src='{}'></iframe><img src='{}'>",
        server.url("/visit"),
        server.url("/visit")
    );
    driver.go(&server.foreign(&embed));
    for count in 1..=2 {
        let sent = server.exchange("/visit", count);
        assert_eq!((sent.header("cookie").as_str(), sent.set_cookie.len()), ("", 0), "{sent:?}");
    }
    driver.go(&server.url("/"));
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "0"));
    assert_eq!(driver.cookie("__Host-id"), cookie);
}

#[test]
fn a_link_from_another_site_shows_a_signed_in_page() {
    let (server, driver) = (Server::start(), browser());
    server.sign_in(&driver, "alice");
    driver.go(&server.foreign(&format!("<a href='{}'>Shop</a>", server.url("/visit"))));
    driver.click("a");
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "1"));
}
