//! The list of devices, and signing out on another device.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::Server;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";

/// Signs in with this user agent.
fn sign_in(server: &Server, user: &str, password: &str, agent: &str) -> Browser {
    let mut browser = server.browser();
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let body = json!({"user": user, "password": password}).to_string();
    assert_eq!(browser.send("POST", "/api/login", &headers, &body).status(), 200);
    browser
}

fn devices(browser: &mut Browser) -> Vec<Value> {
    browser.get("/api/devices").json().as_array().expect("array").clone()
}

/// The id of this browser's session.
fn own_id(browser: &mut Browser) -> String {
    let own = devices(browser)
        .into_iter()
        .find(|device| device["current"] == true)
        .expect("the current device");
    own["id"].as_str().expect("string").to_owned()
}

#[test]
fn a_visitor_sees_their_own_devices_only() {
    let server = Server::start();
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    sign_in(&server, "bob", "builder", FIREFOX);
    let listed = devices(&mut here);
    let shown: Vec<_> =
        listed.iter().map(|device| (&device["client"], &device["current"])).collect();
    assert_eq!(
        shown,
        [(&json!("Firefox on Linux"), &json!(true)), (&json!("curl/8.0"), &json!(false))]
    );
    for device in &listed {
        for time in ["created", "last_seen"] {
            let time = device[time].as_str().expect("string");
            assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
        }
    }
    assert_eq!(listed[1]["id"], json!(own_id(&mut there)));
    let key = here.cookie.clone().expect("cookie");
    assert!(!format!("{listed:?}").contains(key.trim_start_matches("id=")), "a key is shown");
}

#[test]
fn a_device_that_is_signed_out_from_another_is_told_why() {
    let server = Server::start();
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    let mut third = sign_in(&server, "alice", "wonderland", "curl/9.0");
    let path = format!("/api/devices/{}", own_id(&mut there));
    assert_eq!(here.delete(&path).status(), 204);
    assert_eq!(here.delete(&path).status(), 404);
    assert_eq!(there.session()["ended"], "signed out elsewhere");
    assert_eq!(there.get("/api/devices").status(), 401);
    assert_eq!(third.session()["principal"], "alice");
    assert_eq!(devices(&mut here).len(), 2);

    let own = format!("/api/devices/{}", own_id(&mut here));
    let answer = here.delete(&own);
    assert_eq!((answer.status(), here.cookie.clone()), (204, None));
}

#[test]
fn a_visitor_cannot_sign_out_another_user() {
    let server = Server::start();
    let mut alice = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut bob = sign_in(&server, "bob", "builder", FIREFOX);
    let hers = format!("/api/devices/{}", own_id(&mut alice));
    assert_eq!(bob.delete(&hers).status(), 404);
    assert_eq!(bob.delete("/api/devices/nonsense").status(), 404);
    assert_eq!(server.browser().delete(&hers).status(), 401);
    let form = bob.post_form("/devices/sign-out", &format!("id={}", own_id(&mut alice)));
    assert_eq!(form.status(), 303);
    assert_eq!(alice.session()["principal"], "alice");
    assert_eq!(bob.session()["principal"], "bob");
}

#[test]
fn all_other_devices_or_all_are_signed_out_at_once() {
    let server = Server::start();
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut others: Vec<Browser> =
        (0..3).map(|_| sign_in(&server, "alice", "wonderland", "curl/8.0")).collect();
    assert_eq!(here.post("/api/logout-others").json(), json!({"ended": 3}));
    for other in &mut others {
        assert_eq!(other.session()["ended"], "signed out elsewhere");
    }
    let mut again = sign_in(&server, "alice", "wonderland", "curl/8.0");
    assert_eq!(here.post("/api/logout-everywhere").json(), json!({"ended": 2}));
    assert_eq!(here.cookie, None);
    assert_eq!(again.session()["principal"], json!(null));
    for path in ["/api/logout-others", "/api/logout-everywhere", "/api/devices"] {
        let method = if path.ends_with("devices") { "GET" } else { "POST" };
        assert_eq!(here.send(method, path, &[], "").status(), 401, "{path}");
    }
}

#[test]
fn the_devices_page_marks_this_device_and_signs_out_others() {
    let server = Server::start();
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    let page = here.get("/devices").body;
    assert!(page.contains("Firefox on Linux</strong> <span class=\"badge\">this device"), "{page}");
    assert!(page.contains("curl/8.0"), "{page}");
    let answer = here.post_form("/devices/sign-out", &format!("id={}", own_id(&mut there)));
    assert_eq!((answer.status(), answer.header("location")), (303, Some("/devices")));
    assert!(!here.get("/devices").body.contains("curl/8.0"));

    let id = own_id(&mut here);
    let answer = here.post_form("/devices/sign-out", &format!("id={id}"));
    assert_eq!((answer.header("location"), here.cookie.clone()), (Some("/goodbye"), None));
    assert_eq!(here.get("/devices").header("location"), Some("/"));
}

#[test]
fn a_visitor_signed_out_elsewhere_is_told_why_whatever_form_they_submit() {
    let server = Server::start();
    for path in [
        "/visit",
        "/cart",
        "/cart/remove",
        "/cart/empty",
        "/logout",
        "/logout/others",
        "/devices/sign-out",
        "/try/updates",
        "/try/old-key",
        "/try/sign-in",
        "/try/expiry",
    ] {
        let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
        let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
        here.post("/api/logout-others");
        let refused = there.post_form(path, "item=hat&id=0");
        assert_eq!(refused.status(), 409, "{path}");
        assert!(refused.body.contains("from another of your devices"), "{path}: {}", refused.body);
        assert_eq!(there.cookie, None, "the next request must work");
        assert_eq!(there.post_form(path, "item=hat&id=0").status(), 303, "{path}");
    }
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    here.post("/api/logout-others");
    assert!(there.navigate("/devices").body.contains("from another of your devices"));
    assert_eq!(there.post_form("/login", "user=alice&password=wonderland").status(), 303);
    assert_eq!(there.session()["principal"], "alice");
}

#[test]
fn a_sign_in_over_the_session_limit_ends_the_oldest_which_is_told_why() {
    let server = Server::start();
    let mut first = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut others: Vec<Browser> =
        (0..10).map(|_| sign_in(&server, "alice", "wonderland", "curl/8.0")).collect();
    assert_eq!(first.session()["ended"], "session limit");
    assert!(first.get("/").body.contains("more devices than allowed"));
    for other in &mut others {
        assert_eq!(other.session()["principal"], "alice");
    }
    assert_eq!(devices(&mut others[0]).len(), 10);
}

#[test]
fn a_device_can_be_named_and_kept_signed_in() {
    let server = Server::start();
    let mut browser = server.browser();
    let body = "user=alice&password=wonderland&remember=true";
    let answer = browser.post_form("/login", body);
    assert!(
        answer.set_cookie().is_some_and(|cookie| cookie.contains("; Max-Age=2592000;")),
        "30 days"
    );
    assert_eq!(browser.post_form("/devices/name", "label=Kitchen+tablet").status(), 303);
    let listed = devices(&mut browser);
    assert_eq!(
        (&listed[0]["label"], &listed[0]["address"]),
        (&json!("Kitchen tablet"), &json!("127.0.0.1"))
    );
    assert!(browser.get("/devices").body.contains("<strong>Kitchen tablet</strong>"));
    assert!(browser.session()["expires_in"].as_u64().is_some_and(|seconds| seconds > 13 * 86_400));
}

#[test]
fn a_sensitive_page_requires_a_recent_sign_in_and_is_shown_after_it() {
    let server = Server::start();
    let mut browser = server.browser();
    let refused = browser.get("/export");
    assert_eq!(refused.status(), 401);
    assert!(refused.body.contains("action=\"/export\""), "{}", refused.body);
    assert_eq!(browser.get("/api/export").status(), 401);
    assert_eq!(browser.post_form("/export", "user=alice&password=wrong").status(), 401);
    let answer = browser.post_form("/export", "user=alice&password=wonderland");
    assert_eq!((answer.status(), answer.header("location")), (303, Some("/export")));
    assert!(browser.get("/export").body.contains("Download my data"));
    assert_eq!(browser.get("/api/export").json(), json!({"visits": 0, "cart": []}));
}

#[test]
fn five_minutes_after_a_sign_in_it_is_no_longer_recent() {
    let server = Server::start_fast("60");
    let mut browser = server.browser();
    browser.sign_in("alice", "wonderland");
    assert_eq!(browser.get("/api/export").status(), 200);
    // Five minutes pass in five seconds.
    while browser.get("/api/export").status() == 200 {}
    assert_eq!(browser.session()["principal"], "alice");
    let refused = browser.get("/api/export");
    assert!(
        refused.json()["error"].as_str().is_some_and(|error| error.starts_with("sign in again"))
    );
}
