//! What the browser is sent, and what it keeps.

use cloakroom::encrypted_cookie::{EncryptErrorKind, EncryptedSessions, NoEncryptedSession};
use cloakroom::http::CookieScope;
use cloakroom::{CookiePolicy, Lifetime};
use cloakroom_testkit::{Client, ManualClock};
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};

use super::{
    MINUTE, ORIGIN, Visitor, builder, cookie_of, response, ring, sent, sessions, visitor, with,
    with_set_cookie,
};

#[test]
fn a_value_is_read_back_from_its_cookie() {
    let sessions = sessions(&ManualClock::new());
    let session = sessions.open(&with(&cookie_of(&sessions, "alice")));
    assert_eq!((session.value().name.as_str(), session.no_session()), ("alice", None));
    assert_eq!(session.issued_at(), Some(ManualClock::START));
    assert_eq!(session.expires_in(), 30 * MINUTE);
}

#[test]
fn an_unchanged_value_sends_no_cookie_and_the_response_still_varies() {
    let sessions = sessions(&ManualClock::new());
    let mut fresh = sessions.open(&HeaderMap::new());
    fresh.update(|_| ()).unwrap();
    assert_eq!((fresh.no_session(), sent(&fresh)), (Some(NoEncryptedSession::NoCookie), None));
    let mut known = sessions.open(&with(&cookie_of(&sessions, "alice")));
    known.set(visitor("alice")).unwrap();
    let values =
        |session| response(session).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    // Without a session, it mattered which site started the request.
    assert_eq!(values(&fresh), ["cookie", "sec-fetch-site", "origin"]);
    assert!(!response(&fresh).contains_key(CACHE_CONTROL));
    assert_eq!(values(&known), ["cookie"]);
    assert!(response(&known).contains_key(VARY));
}

#[test]
fn a_cookie_has_every_protection_and_is_never_cached() {
    let mut session = sessions(&ManualClock::new()).open(&HeaderMap::new());
    session.set(visitor("alice")).unwrap();
    let headers = response(&session);
    let cookie = headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-id=A"), "{cookie}");
    let (_, life) = cookie.split_once("; Max-Age=43200; Expires=").expect("both");
    assert!(life.ends_with(" GMT; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!(headers[VARY], "cookie");
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    assert!(headers[SET_COOKIE].is_sensitive());
}

#[test]
fn a_cookie_lasts_until_the_browser_closes_if_the_lifetime_says_so() {
    let lifetime = Lifetime::default().until_browser_closes();
    let sessions: EncryptedSessions<Visitor> =
        builder(ring(), &ManualClock::new()).lifetime(lifetime).build().unwrap();
    let mut session = sessions.open(&HeaderMap::new());
    session.set(visitor("alice")).unwrap();
    assert!(!response(&session)[SET_COOKIE].to_str().unwrap().contains("Max-Age"));
}

#[test]
fn a_cookie_of_4096_bytes_fits_and_one_of_4097_is_refused_with_its_size() {
    let sessions = sessions(&ManualClock::new());
    let mut session = sessions.open(&HeaderMap::new());
    // One character more in the value is up to two in the cookie. Find the shortest that is refused
    // and the longest that is not.
    let sizes: Vec<_> =
        (2900..3000).map(|length| session.set(visitor(&"x".repeat(length)))).collect();
    let refused = sizes.iter().filter_map(|result| result.as_ref().err());
    let error = refused.min_by_key(|error| error.size()).expect("some are too large");
    assert_eq!(
        (error.kind(), error.size(), error.limit()),
        (EncryptErrorKind::TooLarge, Some(4097), 4096)
    );
    assert_eq!(error.to_string(), "the session cookie would have 4097 bytes; browsers accept 4096");
    // The session stayed as it was: with the longest value that fits.
    let cookie = sent(&session).unwrap();
    assert_eq!(cookie.len() - "=".len(), 4096);
    assert_eq!(
        session.value().name.len() + r#"{"name":""}"#.len(),
        2982,
        "as docs/encrypted-cookie.md says"
    );

    let mut client = Client::new();
    client.absorb(ORIGIN, &response(&session));
    assert_eq!(client.cookies_for(ORIGIN).unwrap(), cookie, "a browser keeps it");
    assert_eq!(sessions.open(&with(&cookie)).value().name, session.value().name);
}

#[test]
fn a_change_that_is_too_large_leaves_everything_as_it_was() {
    let sessions = sessions(&ManualClock::new());
    let mut session = sessions.open(&with(&cookie_of(&sessions, "alice")));
    assert!(session.set(visitor(&"x".repeat(4000))).is_err());
    assert_eq!(
        (session.value().name.as_str(), !session.exists(), sent(&session)),
        ("alice", false, None)
    );
    let mut empty = sessions.open(&HeaderMap::new());
    assert!(empty.begin(visitor(&"x".repeat(4000))).is_err());
    assert_eq!((empty.no_session(), sent(&empty)), (Some(NoEncryptedSession::NoCookie), None));
}

#[test]
fn ending_a_session_removes_the_cookie_from_a_browser() {
    let sessions = sessions(&ManualClock::new());
    let mut client = Client::new();
    client.absorb(ORIGIN, &with_set_cookie(&sessions, "alice"));
    let mut session = sessions.open(&with(client.cookies_for(ORIGIN).unwrap().to_str().unwrap()));
    session.end();
    assert_eq!(
        (session.no_session(), session.value().name.as_str()),
        (Some(NoEncryptedSession::Ended), "")
    );
    let headers = response(&session);
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    client.absorb(ORIGIN, &headers);
    assert_eq!(client.cookies_for(ORIGIN), None);
}

#[test]
fn begin_and_a_change_after_an_end_begin_a_new_session() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let cookie = cookie_of(&sessions, "alice");
    clock.advance(MINUTE);
    let mut session = sessions.open(&with(&cookie));
    session.begin(visitor("alice")).unwrap();
    let again = sessions.open(&with(&sent(&session).expect("sent although the value is the same")));
    assert_eq!(again.issued_at(), Some(clock.now()));
    clock.advance(MINUTE);
    session.end();
    session.set(visitor("a guest")).unwrap();
    let after_end = sessions.open(&with(&sent(&session).unwrap()));
    assert_eq!(
        (after_end.value().name.as_str(), after_end.issued_at()),
        ("a guest", Some(clock.now()))
    );
}

#[test]
fn a_read_never_removes_a_cookie() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let cookie = cookie_of(&sessions, "alice");
    clock.advance(31 * MINUTE);
    for dead in ["__Host-id=forged", &cookie] {
        for mode in ["navigate", "cors"] {
            let mut request = with(dead);
            request.insert("sec-fetch-mode", HeaderValue::from_static(mode));
            // A late response could remove the cookie of a session that began in the meantime.
            assert_eq!(sent(&sessions.open(&request)), None);
        }
    }
}

#[test]
fn a_cookie_policy_that_browsers_refuse_is_an_error() {
    let policy = CookiePolicy::host("id").with_domain("shop.example");
    let error = builder::<Visitor>(ring(), &ManualClock::new()).cookie(policy).build().unwrap_err();
    assert!(error.to_string().contains("no Domain"), "{error}");
}

#[test]
fn a_cookie_in_a_former_scope_is_removed_if_the_name_arrives_twice() {
    let policy = CookiePolicy::secure("id").formerly(CookieScope::domain("example.com"));
    let sessions = builder(ring(), &ManualClock::new()).cookie(policy).build().unwrap();
    let mut session = sessions.open(&HeaderMap::new());
    session.set(visitor("alice")).unwrap();
    let headers = response(&session);
    let cookie = headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let removed = |cookies: &str| {
        let session = sessions.open(&[("cookie", cookies)]);
        assert!(session.exists());
        let headers = response(&session);
        assert_eq!(headers.contains_key(CACHE_CONTROL), headers.contains_key(SET_COOKIE));
        headers.get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned())
    };
    assert_eq!(removed(&cookie), None);
    let removal = removed(&format!("__Secure-id=old; {cookie}")).expect("a removal");
    assert!(removal.starts_with("__Secure-id=; Max-Age=0;"), "{removal}");
    assert!(removal.contains("; Domain=example.com;"), "{removal}");
}
