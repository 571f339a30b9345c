//! Requests without failures.

use cloakroom::key::Secret;
use cloakroom::{Key, PublicId, Store};

use super::server::ScenarioServer;
use crate::CookieSeen;

/// Two visitors have two sessions.
pub fn a_first_write_begins_a_session_that_is_remembered(server: ScenarioServer<impl Store>) {
    let (mut one, mut other) = (server.visitor(), server.visitor());
    assert_eq!((one.post("/count").body, one.post("/count").body), ("2".into(), "3".into()));
    assert_eq!((other.get("/read").body, one.get("/read").body), ("1".into(), "3".into()));
}

/// A visitor who writes nothing has no session, and the response is still for that visitor only.
pub fn reading_begins_nothing_and_varies_on_the_cookie(server: ScenarioServer<impl Store>) {
    let mut new_visitor = server.browser();
    let reply = new_visitor.get("/read");
    assert_eq!((reply.body.as_str(), reply.seen()), ("null", CookieSeen::None));
    // A GET request needs no look at its `Origin`: the server told the library its method.
    let vary: Vec<_> = reply.headers.get_all("vary").iter().map(|v| v.to_str().unwrap()).collect();
    assert_eq!(
        (vary.join(", "), reply.has("cache-control")),
        ("cookie, sec-fetch-site".into(), false)
    );
    assert_eq!(server.spy.calls().total(), 0);
}

/// Also for a visitor with a session.
pub fn a_route_that_ignores_the_session_costs_no_call_and_no_header(
    server: ScenarioServer<impl Store>,
) {
    let mut visitor = server.visitor();
    server.spy.reset();
    let reply = visitor.get("/ignore");
    assert_eq!((reply.status.as_u16(), server.spy.calls().total()), (200, 0));
    for header in ["set-cookie", "vary", "cache-control"] {
        assert!(!reply.has(header), "{header}");
    }
}

/// The next change costs one read and one write, and sets no cookie.
pub fn a_key_is_sent_once_and_with_no_store(server: ScenarioServer<impl Store>) {
    let mut visitor = server.browser();
    let first = visitor.post("/count");
    assert_eq!(first.headers.get_all("set-cookie").iter().count(), 1);
    assert_eq!(first.headers["cache-control"], "no-store");
    let cookie = first.headers["set-cookie"].to_str().unwrap();
    for attribute in [
        "__Host-id=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=",
        "; Expires=",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    server.spy.reset();
    let second = visitor.post("/count");
    assert_eq!((second.seen(), second.has("cache-control")), (CookieSeen::None, false));
    assert_eq!((server.spy.calls().get, server.spy.calls().total()), (1, 2));
}

/// A guard signs in, and the handler still writes, under the new key.
pub fn two_handles_of_one_request_are_one_session(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let before = visitor.key();
    let reply = visitor.post("/both");
    assert_eq!((reply.body.as_str(), reply.headers.get_all("set-cookie").iter().count()), ("2", 1));
    let after = visitor.key();
    assert!(after.id() == before.id() && after != before);
    assert_eq!(visitor.get("/read").body, "2");
    // One session begins, although neither handle had one.
    let mut new_visitor = server.browser();
    assert_eq!(
        (new_visitor.post("/both").body, new_visitor.get("/read").body),
        ("1".into(), "1".into())
    );
}

/// A late response to a read, of whatever kind, could remove a newer cookie.
pub fn a_read_never_removes_a_cookie(server: ScenarioServer<impl Store>) {
    let mut visitor = server.browser();
    let unknown = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([7; 16]));
    let mut headers = http::HeaderMap::new();
    let cookie = format!("__Host-id={}; Path=/; Secure", unknown.expose());
    headers.insert("set-cookie", cookie.parse().unwrap());
    visitor.take(&headers);
    for reply in [visitor.get("/read"), visitor.navigate("/read")] {
        assert_eq!((reply.body.as_str(), reply.seen()), ("null", CookieSeen::None));
    }
    assert_eq!(visitor.key(), unknown);
    // The session that begins in its place replaces it.
    assert_eq!(visitor.post("/count").body, "1");
    assert_ne!(visitor.key().id(), unknown.id());
}
