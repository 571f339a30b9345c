//! The demo's cookie, and hostile ones.

use crate::server::Server;

#[test]
fn the_cookie_is_as_strict_as_plain_http_allows() {
    let server = Server::start();
    let answer = server.browser().post("/api/visit");
    let cookie = answer.set_cookie().expect("cookie");
    assert!(cookie.starts_with("id="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_hostile_cookie_opens_nothing_and_is_never_adopted() {
    let server = Server::start();
    let forged = format!("id={}", "A".repeat(43));
    let many = "id=x; ".repeat(200);
    let long = format!("id={}", "A".repeat(50_000));
    for hostile in ["id=", "id", "=;;=", "id=\"", "id=%00", "\u{e9}=\u{e9}", &forged, &many, &long]
    {
        let mut browser = server.browser();
        browser.cookie = Some(hostile.to_owned());
        let read = browser.get("/api/session");
        assert_eq!(read.status(), 200, "{hostile:.30}");
        assert_eq!(read.json()["expires_in"], 0);

        let written = browser.post("/api/visit");
        assert_eq!((written.status(), &written.json()["visits"]), (200, &1.into()));
        let minted = browser.cookie.expect("a new key");
        assert!(!hostile.contains(&minted), "{hostile:.30}");
    }
}
