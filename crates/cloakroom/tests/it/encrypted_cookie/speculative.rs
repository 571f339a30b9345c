//! Requests whose responses the user perhaps never sees.

use cloakroom::Flash;
use cloakroom::encrypted_cookie::EncryptedSessions;
use cloakroom_testkit::ManualClock;
use http::{HeaderMap, HeaderValue};

use super::{MINUTE, builder, cookie_of, ring, sent, sessions, with};

#[test]
fn a_head_and_a_prefetch_take_no_message() {
    let sessions: EncryptedSessions<Flash> = builder(ring(), &ManualClock::new()).build().unwrap();
    let mut session = sessions.open(&HeaderMap::new());
    session.update(|flash| flash.push("Saved.")).unwrap();
    let page = with(&sent(&session).unwrap());
    let mut prefetch = page.clone();
    prefetch.insert("sec-purpose", HeaderValue::from_static("prefetch;prerender"));

    for mut session in [
        sessions.open(&prefetch),
        sessions.open_with_method(&prefetch, "GET"),
        sessions.open_with_method(&page, "HEAD"),
    ] {
        assert!(session.update(Flash::take).unwrap().is_empty());
        assert_eq!(sent(&session), None);
    }
    let mut session = sessions.open_with_method(&page, "GET");
    assert_eq!(session.update(Flash::take).unwrap(), ["Saved."]);
}

#[test]
fn a_head_and_a_prefetch_are_no_use_of_the_session() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let page = with(&cookie_of(&sessions, "alice"));
    let mut prefetch = page.clone();
    prefetch.insert("sec-purpose", HeaderValue::from_static("prefetch"));
    clock.advance(20 * MINUTE);
    for session in [sessions.open(&prefetch), sessions.open_with_method(&page, "HEAD")] {
        assert_eq!((sent(&session), session.expires_in()), (None, 10 * MINUTE));
    }
    assert!(sent(&sessions.open_with_method(&page, "GET")).is_some());
}
