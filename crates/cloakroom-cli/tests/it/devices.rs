//! Where somebody is signed in, and signing out there.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::Server;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";

/// Signs in as somebody whose browser says what it is.
fn sign_in(server: &Server, user: &str, password: &str, agent: &str) -> Browser {
    let mut browser = server.browser();
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let body = json!({"user": user, "password": password}).to_string();
    assert_eq!(browser.send("POST", "/api/login", &headers, &body).status(), 200);
    browser
}

fn devices(browser: &mut Browser) -> Vec<Value> {
    browser.get("/api/devices").json().as_array().expect("a list").clone()
}

/// The id of the device that this browser is.
fn own_id(browser: &mut Browser) -> String {
    let own =
        devices(browser).into_iter().find(|device| device["current"] == true).expect("this one");
    own["id"].as_str().expect("text").to_owned()
}

#[test]
fn a_visitor_sees_where_they_are_signed_in_and_nobody_elses() {
    let server = Server::start();
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    sign_in(&server, "bob", "builder", FIREFOX);
    let listed = devices(&mut here);
    let told: Vec<_> =
        listed.iter().map(|device| (&device["client"], &device["current"])).collect();
    assert_eq!(
        told,
        [(&json!("Firefox on Linux"), &json!(true)), (&json!("curl/8.0"), &json!(false))]
    );
    for device in &listed {
        for time in ["created", "last_seen"] {
            let time = device[time].as_str().expect("text");
            assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
        }
    }
    assert_eq!(listed[1]["id"], json!(own_id(&mut there)));
    let key = here.cookie.clone().expect("a key");
    assert!(!format!("{listed:?}").contains(key.trim_start_matches("id=")), "a key is shown");
}

#[test]
fn one_device_is_signed_out_from_another_and_told_why() {
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
    let gone = here.delete(&own);
    assert_eq!((gone.status(), here.cookie.clone()), (204, None));
}

#[test]
fn nobody_signs_out_somebody_else() {
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
fn all_others_or_all_are_signed_out_at_once() {
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
fn the_page_of_devices_marks_this_one_and_signs_out_the_others() {
    let server = Server::start();
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    let page = here.get("/devices").body;
    assert!(page.contains("Firefox on Linux</strong> <span class=\"badge\">this one"), "{page}");
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
fn who_was_signed_out_elsewhere_is_told_at_the_next_click_whatever_it_is() {
    let server = Server::start();
    for click in [
        "/visit",
        "/cart",
        "/cart/remove",
        "/cart/empty",
        "/logout",
        "/logout/others",
        "/devices/sign-out",
    ] {
        let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
        let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
        here.post("/api/logout-others");
        let told = there.post_form(click, "item=hat&id=0");
        assert_eq!(told.status(), 409, "{click}");
        assert!(told.body.contains("from another of your devices"), "{click}: {}", told.body);
        assert_eq!(there.cookie, None, "the next click must work");
        assert_eq!(there.post_form(click, "item=hat&id=0").status(), 303, "{click}");
    }
    let mut here = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut there = sign_in(&server, "alice", "wonderland", "curl/8.0");
    here.post("/api/logout-others");
    assert!(there.navigate("/devices").body.contains("from another of your devices"));
    assert_eq!(there.post_form("/login", "user=alice&password=wonderland").status(), 303);
    assert_eq!(there.session()["principal"], "alice");
}

#[test]
fn one_device_too_many_displaces_the_first_which_is_told() {
    let server = Server::start();
    let mut first = sign_in(&server, "alice", "wonderland", FIREFOX);
    let mut others: Vec<Browser> =
        (0..10).map(|_| sign_in(&server, "alice", "wonderland", "curl/8.0")).collect();
    assert_eq!(first.session()["ended"], "displaced by a later sign-in");
    assert!(first.get("/").body.contains("more devices than you may"));
    for other in &mut others {
        assert_eq!(other.session()["principal"], "alice");
    }
    assert_eq!(devices(&mut others[0]).len(), 10);
}

#[test]
fn a_device_is_called_what_its_visitor_says_and_kept_signed_in_if_they_ask() {
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
fn what_is_sensitive_asks_for_a_recent_sign_in_and_leads_back() {
    let server = Server::start();
    let mut browser = server.browser();
    let asked = browser.get("/export");
    assert_eq!(asked.status(), 401);
    assert!(asked.body.contains("action=\"/export\""), "{}", asked.body);
    assert_eq!(browser.get("/api/export").status(), 401);
    assert_eq!(browser.post_form("/export", "user=alice&password=wrong").status(), 401);
    let proved = browser.post_form("/export", "user=alice&password=wonderland");
    assert_eq!((proved.status(), proved.header("location")), (303, Some("/export")));
    assert!(browser.get("/export").body.contains("What we know of you"));
    assert_eq!(browser.get("/api/export").json(), json!({"visits": 0, "cart": []}));
}

#[test]
fn five_minutes_after_a_sign_in_what_is_sensitive_asks_again() {
    let server = Server::start_fast("60");
    let mut browser = server.browser();
    browser.sign_in("alice", "wonderland");
    assert_eq!(browser.get("/api/export").status(), 200);
    // Five minutes there are five seconds here.
    while browser.get("/api/export").status() == 200 {}
    assert_eq!(browser.session()["principal"], "alice");
    let refused = browser.get("/api/export");
    assert!(
        refused.json()["error"].as_str().is_some_and(|error| error.starts_with("sign in again"))
    );
}
