//! The client keeps the cookies that browsers keep, and refuses those they refuse.

mod expiry;
mod requests;
mod same_site;
mod several;

use cloakroom::{MemoryStore, SessionMap};
use cloakroom_testkit::{Client, TestSessions, block_on};
use http::{HeaderMap, HeaderValue, Method, Response, header};

const HOME: &str = "https://shop.example/";

/// A client that has received these cookies from `from`, in this order.
fn client_with(from: &str, cookies: &[&str]) -> Client {
    let mut client = Client::new();
    for cookie in cookies {
        client.absorb(from, &response_with(cookie));
    }
    client
}

/// The `Cookie` header that a client sends to `to` after `from` has set this cookie.
fn sent(cookie: &str, from: &str, to: &str) -> Option<HeaderValue> {
    client_with(from, &[cookie]).cookies_for(to)
}

fn response_with(cookie: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::try_from(cookie).unwrap())])
}

#[test]
fn a_client_keeps_the_session_until_it_ends() {
    let test: TestSessions<SessionMap> = TestSessions::new(MemoryStore::new());
    let mut client = Client::new();
    block_on(async {
        let request_session = test.sessions.request_session();
        request_session.session(&HeaderMap::new()).await.unwrap().start().await.unwrap();
        let mut response = Response::new(());
        request_session.finish(response.headers_mut());
        client.take(HOME, &response);

        let request = client.request(Method::GET, HOME).body(()).unwrap();
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(request.headers()).await.unwrap();
        assert!(session.exists());
        session.end().await.unwrap();
        let mut response = Response::new(());
        request_session.finish(response.headers_mut());
        client.take(HOME, &response);
    });
    assert_eq!(client.cookies_for(HOME), None);
}

#[test]
fn a_cookie_without_domain_is_sent_to_its_host_and_no_other() {
    let cookie = "__Host-id=x; Secure; Path=/";
    assert_eq!(sent(cookie, HOME, "https://shop.example/deep/down").unwrap(), "__Host-id=x");
    for elsewhere in ["http://shop.example/", "https://www.shop.example/", "https://example/"] {
        assert_eq!(sent(cookie, HOME, elsewhere), None, "{elsewhere}");
    }
    let port = "https://shop.example:8443/";
    assert_eq!(sent(cookie, HOME, port).unwrap(), "__Host-id=x", "ports are no border");
}

#[test]
fn a_cookie_with_a_domain_is_sent_to_all_hosts_below_it() {
    let cookie = "id=x; Domain=.Shop.example; Path=/";
    for to in [HOME, "https://www.shop.example/", "http://a.b.shop.example/"] {
        assert_eq!(sent(cookie, "https://www.shop.example/", to).unwrap(), "id=x", "{to}");
    }
    assert_eq!(sent(cookie, HOME, "https://workshop.example/"), None);
}

#[test]
fn a_domain_elsewhere_or_a_public_suffix_is_refused() {
    for (domain, from) in [
        ("other.example", HOME),
        ("www.shop.example", HOME),
        ("workshop.example", HOME),
        ("example", HOME),
        ("co.uk", "https://shop.co.uk/"),
        ("0.0.1", "https://127.0.0.1/"),
    ] {
        assert_eq!(sent(&format!("id=x; Domain={domain}"), from, from), None, "{domain}");
    }
    // A host that is a public suffix itself can set a cookie, for itself only.
    let localhost = "http://localhost/";
    assert_eq!(sent("id=x; Domain=localhost", localhost, localhost).unwrap(), "id=x");
    assert_eq!(sent("id=x; Domain=localhost", localhost, "http://a.localhost/"), None);
}

#[test]
fn a_cookie_that_breaks_the_rules_of_its_prefix_is_refused() {
    for broken in [
        "__Host-id=x; Path=/",
        "__Host-id=x; Secure",
        "__Host-id=x; Secure; Path=/shop",
        "__Host-id=x; Secure; Path=/; Domain=shop.example",
        "__hOsT-id=x; Path=/",
        "__Secure-id=x; Path=/",
        "__Http-id=x; Path=/; Secure",
        "__Http-id=x; Path=/; HttpOnly",
        "__Host-Http-id=x; Path=/; Secure",
        "__Host-Http-id=x; Path=/shop; Secure; HttpOnly",
        "=__Host-id=x; Path=/; Secure",
    ] {
        assert_eq!(sent(broken, HOME, HOME), None, "{broken}");
    }
    for valid in [
        "__Host-id=x; Secure; Path=/",
        "__Secure-id=x; Secure; Domain=shop.example",
        "__Http-id=x; Secure; HttpOnly",
        "__Host-Http-id=x; Secure; HttpOnly; Path=/",
    ] {
        assert!(sent(valid, HOME, HOME).is_some(), "{valid}");
    }
}

#[test]
fn a_secure_cookie_is_neither_set_nor_replaced_over_plain_http() {
    let plain = "http://shop.example/";
    assert_eq!(sent("id=x; Secure", plain, HOME), None);
    let mut client = client_with(HOME, &["id=good; Secure; Path=/"]);
    for planted in ["id=bad; Path=/", "id=bad; Path=/deep", "id=bad; Path=/; Domain=shop.example"] {
        client.absorb(plain, &response_with(planted));
        assert_eq!(client.cookies_for("https://shop.example/deep").unwrap(), "id=good");
    }
    // Above the path of the secure cookie, both are kept.
    let mut client = client_with(HOME, &["id=good; Secure; Path=/app"]);
    client.absorb(plain, &response_with("id=planted; Path=/"));
    assert_eq!(client.cookies_for("https://shop.example/app").unwrap(), "id=good; id=planted");
}

#[test]
fn a_secure_cookie_works_on_this_computer_without_https() {
    for here in
        ["http://localhost:3000/", "http://127.0.0.1/", "http://[::1]:8080/", "http://x.localhost/"]
    {
        assert_eq!(sent("__Host-id=x; Secure; Path=/", here, here).unwrap(), "__Host-id=x");
        let mut client = client_with(here, &["id=old; Secure"]);
        client.absorb(here, &response_with("id=new"));
        assert_eq!(client.cookies_for(here).unwrap(), "id=new");
    }
}

#[test]
fn same_site_none_and_partitioned_need_secure() {
    for attribute in ["SameSite=None", "Partitioned"] {
        assert_eq!(sent(&format!("id=x; {attribute}"), HOME, HOME), None);
        assert_eq!(sent(&format!("id=x; Secure; {attribute}"), HOME, HOME).unwrap(), "id=x");
    }
}

#[test]
fn a_cookie_over_4096_bytes_is_refused() {
    assert!(sent(&format!("id={}", "x".repeat(4094)), HOME, HOME).is_some());
    assert_eq!(sent(&format!("id={}", "x".repeat(4095)), HOME, HOME), None);
}

#[test]
fn an_attribute_over_1024_bytes_is_ignored() {
    let path = format!("id=x; Path=/{}", "x".repeat(1024));
    assert_eq!(sent(&path, HOME, HOME).unwrap(), "id=x", "under the default path");
}

#[test]
fn javas_client_quotes_a_cookie_that_has_max_age_without_expires() {
    let expires = "Expires=Sat, 01 Jan 2101 00:00:00 GMT";
    let cookie = |attributes: &str| {
        let client = client_with(HOME, &[&format!("id=x; Path=/{attributes}")]);
        client.with_java_quotes().cookies_for(HOME).unwrap()
    };
    assert_eq!(
        cookie("; Max-Age=60"),
        "$Version=\"1\"; id=\"x\";$Path=\"/\";$Domain=\"shop.example\""
    );
    assert_eq!(cookie(&format!("; Max-Age=60; {expires}")), "id=x");
    assert_eq!(cookie(""), "id=x");
}
