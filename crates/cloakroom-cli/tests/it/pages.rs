//! The demo's pages.

use serde_json::json;

use crate::server::Server;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

#[test]
fn every_form_redirects_to_the_home_page() {
    let server = Server::start();
    let mut browser = server.browser();
    for (path, body) in [
        ("/visit", ""),
        ("/cart", "item=hat"),
        ("/cart", "item=coat+%26+%3Cscarf%3E"),
        ("/cart/remove", "item=hat"),
        ("/login", "user=alice&password=wonderland"),
    ] {
        let answer = browser.post_form(path, body);
        assert_eq!((answer.status(), answer.header("location")), (303, Some("/")), "{path}");
    }
    let page = browser.navigate("/").body;
    for shown in
        ["<strong>1</strong>", "coat &amp; &lt;scarf&gt;", "<strong>alice</strong>", "30 minutes"]
    {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(!page.contains("hat<"), "{page}");

    assert_eq!(browser.post("/cart/empty").status(), 303);
    assert!(browser.get("/").body.contains("Your cart is empty"));
    assert_eq!(browser.post("/logout").header("location"), Some("/goodbye"));
    assert_eq!(browser.cookie, None);
    assert!(browser.get("/goodbye").body.contains("You are signed out"));
}

#[test]
fn a_refused_form_shows_the_reason_on_the_same_page() {
    let server = Server::start();
    let mut browser = server.browser();
    let wrong = browser.post_form("/login", "user=alice&password=guess");
    assert_eq!((wrong.status(), wrong.set_cookie()), (401, None));
    assert!(wrong.body.contains("wrong name or password"), "{}", wrong.body);
    let long = browser.post_form("/cart", &format!("item={}", "x".repeat(101)));
    assert_eq!((long.status(), long.set_cookie()), (422, None));
    assert!(long.body.contains("at most 100 characters"), "{}", long.body);
}

#[test]
fn signing_out_everywhere_ends_each_session_and_tells_its_holder_why() {
    let server = Server::start();
    let (mut here, mut there, mut bob) = (server.browser(), server.browser(), server.browser());
    here.sign_in("alice", "wonderland");
    there.sign_in("alice", "wonderland");
    bob.sign_in("bob", "builder");

    let answer = here.post("/logout/everywhere");
    assert_eq!((answer.status(), answer.header("location")), (303, Some("/goodbye")));
    assert_eq!(here.cookie, None);
    assert_eq!(there.session()["ended"], "signed out elsewhere");
    let page = there.navigate("/").body;
    assert!(page.contains("from another of your devices"), "{page}");
    // The forms of that page begin a new session.
    assert!(page.contains("action=\"/visit?new\""), "{page}");
    assert_eq!(there.post("/visit?new").status(), 303);
    assert_eq!(there.session()["visits"], 1);
    assert_eq!(bob.session()["principal"], "bob");
}

#[test]
fn a_superseded_key_gets_a_page_that_says_to_try_again() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/visit");
    let mut tab = browser.clone();
    browser.sign_in("alice", "wonderland");

    let refused = tab.post("/visit");
    assert_eq!((refused.status(), refused.set_cookie()), (409, None));
    assert!(refused.body.contains("Try again"), "{}", refused.body);
    assert!(tab.navigate("/").body.contains("replaced by a newer one"));
    assert!(tab.cookie.is_some(), "a browser may have the newer key by now");
}

#[test]
fn a_cross_site_request_changes_nothing() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/visit");
    let own = format!("http://{}", server.address());
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        for path in ["/visit", "/api/visit"] {
            let refused = browser.send("POST", path, &[(header, value), FORM[0]], "");
            assert_eq!((refused.status(), refused.set_cookie()), (403, None), "{path} {value}");
            assert!(refused.body.contains("another site"), "{}", refused.body);
        }
    }
    assert_eq!(
        browser.send("POST", "/visit", &[("sec-fetch-site", "same-origin")], "").status(),
        303
    );
    assert_eq!(browser.send("POST", "/visit", &[("origin", &own)], "").status(), 303);
    assert_eq!(browser.session()["visits"], 3);
}

#[test]
fn only_a_form_starts_an_experiment() {
    let server = Server::start();
    let mut browser = server.browser();
    for experiment in ["updates", "old-key", "sign-in", "expiry"] {
        let path = format!("/try/{experiment}");
        let read = browser.get(&path);
        assert_eq!((read.status(), read.header("location")), (303, Some("/#try")));
        let refused = browser.send("POST", &path, &[("sec-fetch-site", "cross-site")], "");
        assert_eq!((refused.status(), browser.cookie.clone()), (403, None), "{path}");
    }
    for experiment in ["updates", "old-key", "sign-in", "expiry"] {
        let result = format!("/#{experiment}-result");
        let answer = browser.post_form(&format!("/try/{experiment}"), "");
        assert_eq!((answer.status(), answer.header("location")), (303, Some(&*result)));
    }
    assert_eq!(browser.get("/").header("refresh"), Some("6; url=/?expired#expiry-result"));
}

#[test]
fn every_response_forbids_scripts_frames_and_caching() {
    let server = Server::start();
    let mut browser = server.browser();
    for (path, status, media_type) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/goodbye", 200, "text/html; charset=utf-8"),
        ("/nowhere", 404, "text/html; charset=utf-8"),
        ("/visit", 405, "text/html; charset=utf-8"),
        ("/style.css", 200, "text/css"),
        ("/favicon.ico", 200, "image/svg+xml"),
        ("/api/session", 200, "application/json"),
        ("/api/nothing", 404, "application/json"),
    ] {
        let answer = browser.get(path);
        assert_eq!(
            (answer.status(), answer.header("content-type")),
            (status, Some(media_type)),
            "{path}"
        );
        let policy = answer.header("content-security-policy").expect(path);
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.body.contains("<script") && !answer.body.contains(" style="), "{path}");
    }
    assert_eq!(
        browser.session(),
        json!({"visits": 0, "cart": [], "principal": null, "expires_in": 0})
    );
}
