//! When an encrypted session ends, and what cannot be prevented until then.

use std::time::Duration;

use cloakroom::Lifetime;
use cloakroom::encrypted_cookie::{EncryptedSessions, NoEncryptedSession};
use cloakroom_testkit::{Client, ManualClock};
use http::HeaderMap;

use super::{
    HOUR, MINUTE, ORIGIN, builder, cookie_of, no_session, response, ring, sent, sessions, visitor,
    with, with_set_cookie,
};

#[test]
fn an_encrypted_session_expires_although_its_cookie_is_kept() {
    let clock = ManualClock::new();
    let sessions = builder(ring(), &clock).lifetime(Lifetime::absolute(HOUR)).build().unwrap();
    // Kept by hand: a browser would have removed it.
    let cookie = cookie_of(&sessions, "alice");
    clock.advance(59 * MINUTE);
    assert_eq!(no_session(&sessions, &cookie), None);
    clock.advance(MINUTE);
    assert_eq!(no_session(&sessions, &cookie), Some(NoEncryptedSession::Expired));
    clock.advance(1000 * HOUR);
    assert_eq!(no_session(&sessions, &cookie), Some(NoEncryptedSession::Expired));
}

#[test]
fn an_idle_encrypted_session_expires_and_a_use_extends_it() {
    let clock = ManualClock::new();
    let lifetime = Lifetime::absolute(HOUR).with_idle_timeout(10 * MINUTE);
    let sessions = builder(ring(), &clock).lifetime(lifetime).build().unwrap();
    let first = cookie_of(&sessions, "alice");
    let mut newest = first.clone();
    for _ in 0..6 {
        clock.advance(9 * MINUTE);
        newest = sent(&sessions.open(&with(&newest))).expect("the use is recorded");
    }
    assert_eq!(no_session(&sessions, &first), Some(NoEncryptedSession::Expired));
    assert_eq!(
        sessions.open(&with(&newest)).expires_in(),
        6 * MINUTE,
        "not beyond the absolute deadline"
    );
    clock.advance(10 * MINUTE);
    assert_eq!(no_session(&sessions, &newest), Some(NoEncryptedSession::Expired));
}

#[test]
fn a_use_is_sent_once_per_tenth_of_the_idle_timeout() {
    let clock = ManualClock::new();
    let lifetime = Lifetime::absolute(HOUR).with_idle_timeout(10 * MINUTE);
    let sessions = builder(ring(), &clock).lifetime(lifetime).build().unwrap();
    let mut client = Client::new();
    client.absorb(ORIGIN, &with_set_cookie(&sessions, "alice"));
    let mut cookies_sent = 0;
    for _ in 0..30 {
        clock.advance(Duration::from_secs(20));
        let session = sessions.open(&with(client.cookies_for(ORIGIN).unwrap().to_str().unwrap()));
        cookies_sent += usize::from(sent(&session).is_some());
        client.absorb(ORIGIN, &response(&session));
    }
    assert_eq!(cookies_sent, 10);
}

#[test]
fn without_an_idle_timeout_reading_sends_nothing() {
    let clock = ManualClock::new();
    let sessions = builder(ring(), &clock).lifetime(Lifetime::absolute(HOUR)).build().unwrap();
    let cookie = cookie_of(&sessions, "alice");
    clock.advance(59 * MINUTE);
    assert_eq!(sent(&sessions.open(&with(&cookie))), None);
}

/// Cannot be prevented without a store; `docs/encrypted-cookie.md` says so.
#[test]
fn an_older_cookie_still_opens_the_older_session() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let rich = cookie_of(&sessions, "100 coins");
    let mut session = sessions.open(&with(&rich));
    session.set(visitor("0 coins")).unwrap();
    let poor = sent(&session).unwrap();
    assert_eq!(sessions.open(&with(&poor)).value().name, "0 coins");
    assert_eq!(sessions.open(&with(&rich)).value().name, "100 coins", "a client can go back");

    session.end();
    assert_eq!(
        sessions.open(&with(&poor)).value().name,
        "0 coins",
        "a logout affects this browser only"
    );
}

/// Cannot be prevented without a store, either.
#[test]
fn of_two_changes_at_once_the_last_response_wins() {
    let sessions: EncryptedSessions<(u32, u32)> =
        builder(ring(), &ManualClock::new()).build().unwrap();
    let mut client = Client::new();
    let [mut one, mut other] = [(); 2].map(|()| sessions.open(&HeaderMap::new()));
    one.update(|value| value.0 += 1).unwrap();
    other.update(|value| value.1 += 1).unwrap();
    client.absorb(ORIGIN, &response(&one));
    client.absorb(ORIGIN, &response(&other));
    let session = sessions.open(&with(client.cookies_for(ORIGIN).unwrap().to_str().unwrap()));
    assert_eq!(*session.value(), (0, 1), "the first change is lost");
}

#[test]
fn a_session_from_before_the_watermark_is_revoked() {
    let clock = ManualClock::new();
    let before = sessions(&clock);
    let mut cookie = cookie_of(&before, "alice");
    clock.advance(20 * MINUTE);
    let after = builder(ring(), &clock).revoke_issued_before(clock.now()).build().unwrap();
    assert_eq!(no_session(&after, &cookie), Some(NoEncryptedSession::Revoked));
    // A server that does not know the watermark encrypts it again. It stays revoked.
    cookie = sent(&before.open(&with(&cookie))).unwrap();
    assert_eq!(no_session(&after, &cookie), Some(NoEncryptedSession::Revoked));
    assert_eq!(no_session(&after, &cookie_of(&before, "bob")), None);
}

#[test]
fn a_session_by_a_clock_that_is_ahead_is_not_valid_yet() {
    let (clock, ahead) = (ManualClock::new(), ManualClock::new());
    ahead.advance(30 * MINUTE);
    let cookie = cookie_of(&sessions(&ahead), "alice");
    assert_eq!(no_session(&sessions(&clock), &cookie), Some(NoEncryptedSession::NotYetValid));
    clock.advance(29 * MINUTE);
    assert_eq!(no_session(&sessions(&clock), &cookie), None);
}
