//! Under `SameSite=Strict` a browser keeps the cookie back from links of other sites, too.

use cloakroom::CookiePolicy;
use cloakroom::http::SameSite;
use cloakroom_browsers::Driver;

use crate::browser;
use crate::server::Server;

fn server() -> Server {
    Server::with_cookie(CookiePolicy::default().with_same_site(SameSite::Strict))
}

/// Follows a link of another site.
fn arrive(server: &Server, driver: &Driver, path: &str) {
    driver.go(&server.foreign(&format!("<a href='{}'>Shop</a>", server.url(path))));
    driver.click("a");
}

#[test]
fn under_strict_a_link_to_a_page_that_writes_leads_to_a_signed_in_page() {
    let (server, driver) = (server(), browser());
    server.sign_in(&driver, "alice");
    let cookie = driver.cookie("__Host-id");
    arrive(&server, &driver, "/visit");
    // A redirect would still be the other site's request, and come without the cookie. The answer
    // is a page of ours instead, which leads to another: that request is our own.
    driver.wait_for("#who", "alice");
    let sent = server.exchange("/visit", 1);
    assert_eq!((sent.header("cookie").as_str(), sent.status), ("__Host-id-here=1", 200));
    assert_eq!(sent.set_cookie, Vec::<String>::new());
    let shown = server.exchange("/again", 1);
    assert_eq!(shown.header("sec-fetch-site"), "same-origin");
    assert!(shown.header("cookie").contains("__Host-id="), "{shown:?}");
    driver.go(&server.url("/"));
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "0"));
    assert_eq!(driver.cookie("__Host-id"), cookie);
}

#[test]
fn under_strict_a_link_of_another_site_begins_a_session_for_a_newcomer() {
    let (server, driver) = (server(), browser());
    arrive(&server, &driver, "/visit");
    assert_eq!(driver.text("#visits"), "1");
    driver.go(&server.url("/visit"));
    assert_eq!(driver.text("#visits"), "2");
    assert!(driver.cookie("__Host-id-here").is_some());
}

#[test]
fn under_strict_the_marker_goes_when_the_user_signs_out() {
    let (server, driver) = (server(), browser());
    server.sign_in(&driver, "alice");
    driver.click("#logout button");
    assert!(driver.cookie("__Host-id").is_none() && driver.cookie("__Host-id-here").is_none());
    arrive(&server, &driver, "/visit");
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("no one", "1"));
}
