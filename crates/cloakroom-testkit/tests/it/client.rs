//! The client keeps the cookies that browsers keep, and refuses those they refuse.

use cloakroom::{MemoryStore, SessionMap};
use cloakroom_testkit::{Client, TestSessions, block_on};
use http::{HeaderMap, HeaderValue, Method, Response, header};

const HOME: &str = "https://shop.example/";

/// The `Cookie` header that a client sends to `to` after `from` has set this cookie.
fn sent(cookie: &str, from: &str, to: &str) -> Option<HeaderValue> {
    let mut client = Client::new();
    client.absorb(from, &response_with(cookie));
    client.cookies_for(to)
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
fn a_cookie_is_sent_to_its_host_and_no_other() {
    let cookie = "__Host-id=x; Secure; Path=/";
    assert_eq!(sent(cookie, HOME, "https://shop.example/deep/down").unwrap(), "__Host-id=x");
    for elsewhere in ["http://shop.example/", "https://www.shop.example/", "https://example/"] {
        assert_eq!(sent(cookie, HOME, elsewhere), None, "{elsewhere}");
    }
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
    ] {
        assert_eq!(sent(broken, HOME, HOME), None, "{broken}");
    }
    for valid in ["__Host-id=x; Secure; Path=/", "__Secure-id=x; Secure; Domain=shop.example"] {
        assert!(sent(valid, HOME, HOME).is_some(), "{valid}");
    }
}

#[test]
fn a_secure_cookie_is_neither_set_nor_replaced_over_plain_http() {
    let plain = "http://shop.example/";
    assert_eq!(sent("id=x; Secure", plain, HOME), None);
    let mut client = Client::new();
    client.absorb(HOME, &response_with("id=good; Secure; Path=/"));
    client.absorb(plain, &response_with("id=planted; Path=/"));
    assert_eq!(client.cookies_for(HOME).unwrap(), "id=good");
}

#[test]
fn a_cookie_over_4096_bytes_is_refused() {
    assert!(sent(&format!("id={}", "x".repeat(4094)), HOME, HOME).is_some());
    assert_eq!(sent(&format!("id={}", "x".repeat(4095)), HOME, HOME), None);
}
