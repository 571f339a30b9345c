//! Failing stores, malformed cookies and panicking handlers.

use cloakroom::key::Secret;
use cloakroom::store::Operation;
use cloakroom::{Key, PublicId, Store};

use super::server::ScenarioServer;
use crate::{CookieSeen, Fault};

/// At the read or at the write. The client learns when to come back and nothing else.
pub fn an_outage_is_a_503_and_ends_no_session(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    for operation in [Operation::Get, Operation::Replace] {
        server.faulty.fail_on(operation, Fault::NotSent);
        let reply = visitor.post("/count");
        assert_eq!(
            (reply.status.as_u16(), reply.body.as_str(), reply.seen()),
            (503, "", CookieSeen::None)
        );
        assert_eq!(reply.headers["retry-after"], "5");
    }
    server.faulty.fail_all(Some(Fault::NotSent));
    assert_eq!(visitor.navigate("/read").status.as_u16(), 503);
    assert_eq!(visitor.get("/ignore").status.as_u16(), 200);
    assert_eq!(server.browser().post("/count").status.as_u16(), 503, "no session begins");
    server.faulty.fail_all(None);
    assert_eq!(visitor.post("/count").body, "2");
}

/// Whole or not at all, and the response says no more than is known.
pub fn a_write_whose_answer_is_lost_happens_once(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    server.faulty.fail_on(Operation::Replace, Fault::LostAfter);
    assert_eq!(
        visitor.post("/count").body,
        "2",
        "the write is retried, and turns out to have happened"
    );
    for _ in 0..2 {
        server.faulty.fail_on(Operation::Replace, Fault::LostAfter);
    }
    assert_eq!(visitor.post("/count").status.as_u16(), 503);
    assert_eq!(visitor.post("/count").body, "4", "it happened once, though its response was a 503");
}

/// Bytes that no browser sends, and keys that were never minted.
pub fn a_malformed_or_unknown_cookie_is_neither_adopted_nor_a_500(
    server: ScenarioServer<impl Store>,
) {
    let visitor = server.visitor();
    let made_up = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([7; 16]));
    let wrong_secret = visitor.key().with_secret(Secret::from_bytes([7; 16]));
    let named = |value: &str| format!("__Host-id={value}").into_bytes();
    let cookies = [
        b"".to_vec(),
        b"=".to_vec(),
        b";;;".to_vec(),
        b"__Host-id".to_vec(),
        named(""),
        named("\"\""),
        named("garbage"),
        named(&"A".repeat(3000)),
        b"__Host-id=\xff\xfe\x80".to_vec(),
        named(&visitor.key().expose()[..42]),
        named(&format!("{}A", visitor.key().expose())),
        vec![named("x"); 100].join(&b"; "[..]),
        named(&made_up.expose()),
        named(&wrong_secret.expose()),
    ];
    for cookie in cookies {
        // A server may refuse such a request.
        let reply =
            visitor.with_cookie("/count", &cookie).filter(|reply| reply.status.as_u16() != 400);
        let (Some(reply), shown) = (reply, String::from_utf8_lossy(&cookie)) else { continue };
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, "1"), "{shown}");
        let id = reply.seen().key().expect("a new session").id();
        assert!(id != made_up.id() && id != visitor.key().id(), "{shown}");
    }
    assert_eq!(visitor.clone().get("/read").body, "1");
}

/// A sibling domain can plant a cookie next to ours.
pub fn a_planted_key_never_hides_a_good_one(server: ScenarioServer<impl Store>) {
    let visitor = server.visitor();
    let planted = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([7; 16])).expose();
    let good = visitor.key().expose();
    for cookie in [
        format!("__Host-id={planted}; __Host-id={good}"),
        format!("__Host-id={good}; __Host-id={planted}"),
        format!("a=b; __Host-id=; __Host-id=x; __Host-id={good}; c"),
    ] {
        let reply = visitor.with_cookie("/read", cookie.as_bytes()).expect("a response");
        assert_eq!((reply.body.as_str(), reply.seen()), ("1", CookieSeen::None), "{cookie}");
    }
}

/// The client gets a 500 or nothing. What `update` acknowledged is kept, and the session stays
/// usable.
pub fn a_panic_keeps_what_was_written_and_blocks_no_one(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    for expected in ["3", "5", "7"] {
        let reply = visitor.clone().request("POST", "/panic", &[]);
        assert!(reply.is_none_or(|reply| reply.status.as_u16() == 500));
        assert_eq!(visitor.post("/count").body, expected);
    }
    visitor.post("/logout");
    assert_eq!(visitor.get("/read").body, "null");
}

/// A handler that fails after a change has made the change.
pub fn a_500_keeps_what_was_written_and_its_cookie(server: ScenarioServer<impl Store>) {
    let mut visitor = server.browser();
    assert_eq!(visitor.post("/fail").status.as_u16(), 500);
    assert!(visitor.cookie().is_some());
    assert_eq!(visitor.get("/read").body, "1");
}
