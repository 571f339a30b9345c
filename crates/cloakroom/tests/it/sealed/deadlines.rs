//! When a sealed session ends, and what can't be prevented until then.

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
fn a_sealed_session_ends_inside_whatever_became_of_its_cookie() {
    let clock = ManualClock::new();
    let sessions = builder(ring(), &clock).lifetime(Lifetime::absolute(HOUR)).build().unwrap();
    // Kept by hand, as no browser would keep it.
    let cookie = cookie_of(&sessions, "alice");
    clock.advance(59 * MINUTE);
    assert_eq!(no_session(&sessions, &cookie), None);
    clock.advance(MINUTE);
    assert_eq!(no_session(&sessions, &cookie), Some(NoEncryptedSession::Expired));
    clock.advance(1000 * HOUR);
    assert_eq!(no_session(&sessions, &cookie), Some(NoEncryptedSession::Expired));
}

#[test]
fn an_idle_sealed_session_ends_inside_and_use_moves_its_end() {
    let clock = ManualClock::new();
    let lifetime = Lifetime::absolute(HOUR).with_idle_timeout(10 * MINUTE);
    let sessions = builder(ring(), &clock).lifetime(lifetime).build().unwrap();
    let first = cookie_of(&sessions, "alice");
    let mut newest = first.clone();
    for _ in 0..6 {
        clock.advance(9 * MINUTE);
        newest = sent(&sessions.open(&with(&newest))).expect("the use is noted");
    }
    assert_eq!(no_session(&sessions, &first), Some(NoEncryptedSession::Expired));
    assert_eq!(
        sessions.open(&with(&newest)).expires_in(),
        6 * MINUTE,
        "and no further than the absolute end"
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

/// What can't be prevented without a store is pinned down here, and said in `docs/encrypted-cookie.md`.
#[test]
fn an_older_sealed_session_does_come_back() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let rich = cookie_of(&sessions, "100 coins");
    let mut session = sessions.open(&with(&rich));
    session.set(visitor("0 coins")).unwrap();
    let poor = sent(&session).unwrap();
    assert_eq!(sessions.open(&with(&poor)).value().name, "0 coins");
    assert_eq!(sessions.open(&with(&rich)).value().name, "100 coins", "a client may go back");

    session.end();
    assert_eq!(
        sessions.open(&with(&poor)).value().name,
        "0 coins",
        "and a logout is this browser's alone"
    );
}

/// Likewise.
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
    assert_eq!(*session.value(), (0, 1), "the first one's change is lost");
}

#[test]
fn everybody_who_began_before_the_watermark_is_out() {
    let clock = ManualClock::new();
    let before = sessions(&clock);
    let mut cookie = cookie_of(&before, "alice");
    clock.advance(20 * MINUTE);
    let after = builder(ring(), &clock).revoke_issued_before(clock.now()).build().unwrap();
    assert_eq!(no_session(&after, &cookie), Some(NoEncryptedSession::Revoked));
    // A server that knows of no watermark seals it anew: it is out all the same.
    cookie = sent(&before.open(&with(&cookie))).unwrap();
    assert_eq!(no_session(&after, &cookie), Some(NoEncryptedSession::Revoked));
    assert_eq!(no_session(&after, &cookie_of(&before, "bob")), None);
}

#[test]
fn what_was_sealed_by_a_clock_that_is_ahead_opens_nothing() {
    let (clock, ahead) = (ManualClock::new(), ManualClock::new());
    ahead.advance(30 * MINUTE);
    let cookie = cookie_of(&sessions(&ahead), "alice");
    assert_eq!(no_session(&sessions(&clock), &cookie), Some(NoEncryptedSession::Premature));
    clock.advance(29 * MINUTE);
    assert_eq!(no_session(&sessions(&clock), &cookie), None);
}
