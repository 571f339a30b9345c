//! The JSON API.

use std::sync::Barrier;
use std::thread;

use serde_json::json;

use crate::held_request::HeldRequest;
use crate::server::Server;

#[test]
fn every_visit_is_counted_in_its_own_session() {
    let server = Server::start();
    let mut browser = server.browser();
    for expected in 1..=3 {
        assert_eq!(browser.post("/api/visit").json()["visits"], expected);
    }
    assert_eq!(browser.session()["visits"], 3);
    assert_eq!(server.browser().session()["visits"], 0);
}

#[test]
fn none_of_64_concurrent_visits_is_lost() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post_json("/api/cart", &json!({"item": "hat"}));
    let gate = Barrier::new(64);
    thread::scope(|scope| {
        for _ in 0..64 {
            let mut tab = browser.clone();
            let gate = &gate;
            scope.spawn(move || {
                gate.wait();
                assert_eq!(tab.post("/api/visit").status(), 200);
            });
        }
    });
    let session = browser.session();
    assert_eq!(session["visits"], 64);
    assert_eq!(session["cart"], json!(["hat"]));
}

#[test]
fn requests_that_all_read_before_any_wrote_lose_no_write() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/api/visit");
    let cookie = browser.cookie.clone().expect("cookie");
    let begin = |_| HeldRequest::post(server.address(), "/api/cart", &cookie, r#"{"item":"hat"}"#);
    let held: Vec<_> = (0..40).map(begin).collect();
    for request in held {
        let response = request.release();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
    let session = browser.session();
    assert_eq!(session["cart"].as_array().map(Vec::len), Some(40));
    assert_eq!(session["visits"], 1);
}

#[test]
fn a_request_in_flight_during_a_sign_in_writes_nothing() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/api/visit");
    let cookie = browser.cookie.clone().expect("cookie");
    let request = HeldRequest::post(server.address(), "/api/cart", &cookie, r#"{"item":"hat"}"#);
    browser.sign_in("alice", "wonderland");

    let response = request.release();
    assert!(response.starts_with("HTTP/1.1 409") && !response.contains("set-cookie"), "{response}");
    assert_eq!(browser.session()["cart"], json!([]));
}

#[test]
fn a_request_in_flight_does_not_revive_a_signed_out_session() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.sign_in("alice", "wonderland");
    let mut copy = browser.clone();
    let cookie = browser.cookie.clone().expect("cookie");
    let request = HeldRequest::post(server.address(), "/api/cart", &cookie, r#"{"item":"hat"}"#);
    browser.post("/api/logout");

    let response = request.release();
    assert!(response.starts_with("HTTP/1.1 409") && !response.contains("set-cookie"), "{response}");
    assert_eq!(copy.session()["principal"], json!(null));
}

#[test]
fn reading_sets_no_cookie() {
    let server = Server::start();
    let mut browser = server.browser();
    for path in
        ["/", "/api/session", "/healthz", "/style.css", "/favicon.ico", "/goodbye", "/nowhere"]
    {
        let answer = browser.get(path);
        assert_eq!(answer.set_cookie(), None, "{path}");
    }
    let empty = json!({"visits": 0, "cart": [], "principal": null, "expires_in": 0});
    assert_eq!(browser.session(), empty);
}

#[test]
fn only_responses_that_depend_on_the_session_vary_by_cookie() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/api/visit");
    for path in ["/healthz", "/style.css", "/favicon.ico", "/goodbye"] {
        assert_eq!(browser.get(path).header("vary"), None, "{path}");
    }
    for path in ["/", "/api/session"] {
        assert_eq!(browser.get(path).header("vary"), Some("cookie"), "{path}");
    }
}

#[test]
fn signing_in_replaces_the_key_and_keeps_the_cart() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post_json("/api/cart", &json!({"item": "hat"}));
    let mut before = browser.clone();

    let signed_in = browser.sign_in("alice", "wonderland");
    assert_eq!(signed_in.status(), 200);
    assert_eq!(signed_in.json()["principal"], "alice");
    assert_eq!(signed_in.json()["cart"], json!(["hat"]));
    assert_ne!(browser.cookie, before.cookie);

    let seen = before.session();
    assert_eq!((&seen["principal"], &seen["cart"]), (&json!(null), &json!([])));
    let refused = before.post("/api/visit");
    assert_eq!((refused.status(), refused.set_cookie()), (409, None));
    assert_eq!(refused.json(), json!({"error": "try again"}));
    assert_eq!(browser.session()["visits"], 0);
}

#[test]
fn a_wrong_password_changes_nothing() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/api/visit");
    let cookie = browser.cookie.clone();
    for (user, password) in [("alice", "builder"), ("mallory", ""), ("", "wonderland")] {
        let refused = browser.sign_in(user, password);
        assert_eq!((refused.status(), refused.set_cookie()), (401, None));
        assert_eq!(refused.json(), json!({"error": "wrong name or password"}));
        assert!(refused.header("www-authenticate").is_some());
    }
    assert_eq!(browser.cookie, cookie);
    assert_eq!(browser.session()["principal"], json!(null));
    assert_eq!(browser.session()["visits"], 1);
}

#[test]
fn another_user_who_signs_in_finds_no_data_of_the_one_before() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post_json("/api/cart", &json!({"item": "hat"}));
    browser.sign_in("alice", "wonderland");
    let mut alice = browser.clone();

    let bob = browser.sign_in("bob", "builder").json();
    assert_eq!((&bob["principal"], &bob["cart"]), (&json!("bob"), &json!([])));
    assert_eq!(alice.session()["principal"], json!(null));
}

#[test]
fn a_key_opens_nothing_after_signing_out() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/api/visit");
    browser.sign_in("alice", "wonderland");
    let mut copy = browser.clone();

    let answer = browser.post("/api/logout");
    assert_eq!(answer.json(), json!({"visits": 0, "cart": [], "principal": null, "expires_in": 0}));
    assert_eq!(browser.cookie, None);
    assert_eq!(copy.session()["principal"], json!(null));
    let page = copy.navigate("/");
    assert!(page.body.contains("You signed out"), "{}", page.body);
    assert!(copy.cookie.is_some(), "no read removes a cookie");
    assert_eq!(copy.post("/api/visit").json()["visits"], 1, "a change begins a new session");
    assert_ne!(copy.cookie, browser.cookie);
}

#[test]
fn a_session_expires_half_an_hour_after_its_last_use() {
    let server = Server::start();
    let mut browser = server.browser();
    browser.post("/api/visit");
    let left = browser.session()["expires_in"].as_u64().expect("seconds");
    assert!((1700..=1800).contains(&left), "{left}");
}

#[test]
fn every_error_is_explained_in_json() {
    let server = Server::start();
    let mut browser = server.browser();
    let json = [("content-type", "application/json")];
    let huge = json!({"item": "x".repeat(20_000)}).to_string();
    let long = json!({"item": "x".repeat(101)}).to_string();
    for (status, path, headers, body) in [
        (400, "/api/cart", &json[..], "{"),
        (400, "/api/login", &json[..], ""),
        (415, "/api/cart", &[], r#"{"item":"hat"}"#),
        (422, "/api/cart", &json[..], r#"{"thing":"hat"}"#),
        (422, "/api/cart", &json[..], r#"{"item":""}"#),
        (422, "/api/cart", &json[..], &long),
        (413, "/api/cart", &json[..], &huge),
        (404, "/api/nothing", &[], ""),
    ] {
        let answer = browser.send("POST", path, headers, body);
        assert_eq!(answer.status(), status, "{path} {body:.20}");
        assert!(answer.json()["error"].is_string(), "{}", answer.body);
        assert_eq!(answer.set_cookie(), None);
    }
    assert_eq!(browser.get("/api/visit").status(), 405);
}

#[test]
fn a_full_cart_takes_no_more_items() {
    let server = Server::start();
    let mut browser = server.browser();
    for _ in 0..50 {
        assert_eq!(browser.post_json("/api/cart", &json!({"item": "hat"})).status(), 200);
    }
    assert_eq!(browser.post_json("/api/cart", &json!({"item": "coat"})).status(), 422);
    assert_eq!(browser.session()["cart"].as_array().map(Vec::len), Some(50));
}

#[test]
fn a_healthy_demo_reports_ok() {
    let server = Server::start();
    let answer = server.browser().get("/healthz");
    assert_eq!((answer.status(), answer.json()), (200, json!({"status": "ok"})));
}
