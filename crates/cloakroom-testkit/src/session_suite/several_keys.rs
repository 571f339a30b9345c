//! Several keys in one request: all are judged before anything is done.

use std::time::Duration;

use cloakroom::http::SameSite;
use cloakroom::key::Secret;
use cloakroom::record::EndReason;
use cloakroom::{CookiePolicy, Key, NoSession, PublicId, Store, Transport};
use http::{HeaderMap, HeaderValue};

use super::{Counter, TestSessions, alice, increment, key_of, open};
use crate::{CookieSeen, block_on, cookie_of};

const MINUTE: Duration = Duration::from_secs(60);

/// A request with these cookies, in this order.
fn request(keys: &[&Key]) -> HeaderMap {
    let cookies: Vec<_> = keys.iter().map(|key| format!("__Host-id={}", key.expose())).collect();
    HeaderMap::from_iter([(
        http::header::COOKIE,
        HeaderValue::try_from(cookies.join("; ")).unwrap(),
    )])
}

fn key(id: u8) -> Key {
    Key::new(PublicId::from_bytes([id; 16]), Secret::from_bytes([id; 16]))
}

/// A key that a timed renewal has retired this long ago, and the one that replaced it.
async fn retired(test: &TestSessions, ago: Duration) -> (Key, Key) {
    let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
    test.clock.advance(15 * MINUTE);
    let next = key_of(&open(test, &old).await);
    assert_ne!(next, old, "a renewal was due");
    assert!(open(test, &next).await.exists());
    test.clock.advance(MINUTE);
    assert!(open(test, &next).await.exists());
    test.clock.advance(ago);
    (old, next)
}

/// A key that opens nothing, for this reason.
async fn dead(test: &TestSessions, status: &str) -> Key {
    match status {
        "unknown" => key(200),
        "wrong secret" => {
            let session = test.sessions.generate(Counter::of(9)).await.unwrap();
            key_of(&session).with_secret(Secret::from_bytes([1; 16]))
        }
        "superseded" | "retired by sign-in" => {
            let mut session = test.sessions.generate(Counter::of(9)).await.unwrap();
            let old = key_of(&session);
            session.login(&alice()).await.unwrap();
            if status == "retired by sign-in" {
                test.clock.advance(2 * MINUTE);
            }
            old
        }
        "retired by timer" => retired(test, 2 * MINUTE).await.0,
        "reused" => retired(test, 6 * MINUTE).await.0,
        "expired" => {
            let session = test.sessions.generate_for(Counter::of(9), MINUTE).await.unwrap();
            test.clock.advance(MINUTE);
            key_of(&session)
        }
        "ended" => {
            let mut session = test.sessions.generate(Counter::of(9)).await.unwrap();
            let key = key_of(&session);
            session.logout().await.unwrap();
            key
        }
        other => unreachable!("{other}"),
    }
}

/// Whatever the other key is, and in whichever order they come: nothing is ended, nothing reported
/// as reused, and no cookie changed.
pub fn a_valid_key_opens_its_session_next_to_a_key_of_any_other_status(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        for status in [
            "unknown",
            "wrong secret",
            "superseded",
            "retired by sign-in",
            "retired by timer",
            "reused",
            "expired",
            "ended",
        ] {
            let dead = dead(&test, status).await;
            let valid = key_of(&test.sessions.generate(Counter::of(5)).await.unwrap());
            for keys in [[&dead, &valid], [&valid, &dead]] {
                let before = test.events().len();
                let request_session = test.sessions.request_session();
                let session = request_session.session(&request(&keys)).await.unwrap();
                assert_eq!(
                    (session.id(), session.value().count),
                    (Some(valid.id()), 5),
                    "{status}"
                );
                assert_eq!(cookie_of(&session.headers()), CookieSeen::None, "{status}");
                let events = test.events().split_off(before);
                assert!(events.iter().all(|event| event.starts_with("MultipleKeys")), "{events:?}");
            }
        }
    });
}

/// A deployment that changed the cookie's Domain leaves two cookies: the old one comes first, and
/// is a key of the same session.
pub fn a_retired_key_next_to_its_successor_ends_nothing(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let (old, next) = retired(&test, 6 * MINUTE).await;
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&request(&[&old, &next])).await.unwrap();
        assert_eq!(increment(&mut session).await.unwrap(), 2);
        assert!(!test.events().iter().any(|event| event.starts_with("KeyReused")));
    });
}

/// While the old cookie comes first and still opens the session, the renewal is completed, and most
/// responses set no cookie.
pub fn a_renewal_is_completed_although_the_old_cookie_comes_first(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let first = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let (mut newest, mut sent) = (first.clone(), 0);
        for _ in 0..100 {
            test.clock.advance(MINUTE);
            let request_session = test.sessions.request_session();
            let session = request_session.session(&request(&[&first, &newest])).await.unwrap();
            assert_eq!(session.value().count, 1);
            if let CookieSeen::Set { key, .. } = cookie_of(&session.headers()) {
                (newest, sent) = (key, sent + 1);
            }
        }
        assert!((5..=7).contains(&sent), "{sent} keys in 100 minutes");
        assert!(!open(&test, &first).await.exists(), "the first key has retired");
    });
}

/// The first is used and the other left alone, until the user signs out: then both end.
pub fn signing_out_ends_every_session_whose_key_was_presented(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut keys = Vec::new();
        for count in 0..3 {
            let mut session = test.sessions.generate(Counter::of(count)).await.unwrap();
            session.login(&alice()).await.unwrap();
            keys.push(key_of(&session));
        }
        let presented: Vec<&Key> = keys.iter().collect();
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&request(&presented)).await.unwrap();
        assert_eq!(session.value().count, 0);
        assert_eq!(
            test.events().iter().filter(|event| event.starts_with("AmbiguousKeys")).count(),
            2
        );
        // Another request changes one of them first.
        increment(&mut open(&test, &keys[1]).await).await.unwrap();
        session.logout().await.unwrap();
        for key in &keys {
            let reason = NoSession::Ended(EndReason::SignedOut);
            assert_eq!(open(&test, key).await.no_session(), Some(reason));
        }
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Removed));
    });
}

/// The work of a request is bounded, and a valid key is found among more dead ones than any browser
/// has.
pub fn dead_keys_do_not_hide_a_valid_one_and_the_work_is_bounded(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let valid = key_of(&test.sessions.generate(Counter::of(5)).await.unwrap());
        let dead: Vec<Key> = (0..40).map(key).collect();
        for (count, found) in [(4, true), (15, true), (16, false), (40, false)] {
            let presented: Vec<_> = dead.iter().take(count).chain([&valid]).collect();
            spy.reset();
            let request_session = test.sessions.request_session();
            let session = request_session.session(&request(&presented)).await.unwrap();
            assert_eq!(session.exists(), found, "after {count} others");
            assert_eq!(spy.calls().get, 16.min(count + 1));
        }
        // Other secrets of one session use up no room.
        let wrong = |secret| valid.with_secret(Secret::from_bytes([secret; 16]));
        let wrong: Vec<Key> = (0..30).map(wrong).collect();
        let presented: Vec<_> = wrong.iter().chain([&valid]).collect();
        let request_session = test.sessions.request_session();
        assert!(request_session.session(&request(&presented)).await.unwrap().exists());
    });
}

/// Under `SameSite=Strict`, a marker cookie is set and removed with the key.
pub fn a_strict_cookie_comes_and_goes_with_its_marker(store: impl Store) {
    let policy = CookiePolicy::default().with_same_site(SameSite::Strict);
    let test =
        TestSessions::with(store, |builder| builder.transport(Transport::cookie(policy.clone())));
    block_on(async {
        let cookies = |session: &cloakroom::Session<Counter>| -> Vec<String> {
            let cookies = session.headers();
            let cookies = cookies.iter().filter(|(name, _)| name == "set-cookie");
            cookies.map(|(_, value)| value.to_str().unwrap().to_owned()).collect()
        };
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let set = cookies(&session);
        assert!(set[1].starts_with("__Host-id-here=1; Max-Age=43200"), "{set:?}");
        assert!(set[1].contains("SameSite=Lax") && set[0].contains("SameSite=Strict"));
        session.logout().await.unwrap();
        let removed = cookies(&session);
        assert!(removed[1].starts_with("__Host-id-here=; Max-Age=0"), "{removed:?}");
    });
}

/// At the next request the other session could come first: the sign-in would have no effect.
pub fn signing_in_ends_the_other_sessions_whose_keys_were_presented(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let first = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut other = test.sessions.generate(Counter::of(2)).await.unwrap();
        other.login(&alice()).await.unwrap();
        let other = key_of(&other);
        let anonymous = key_of(&test.sessions.generate(Counter::of(3)).await.unwrap());
        let request_session = test.sessions.request_session();
        let mut session =
            request_session.session(&request(&[&first, &other, &anonymous])).await.unwrap();
        session.login(&super::bob()).await.unwrap();
        let new = key_of(&session);
        // Each holder is told what is true of their session.
        for (key, reason) in
            [(&other, EndReason::SignedInAsAnother), (&anonymous, EndReason::Ended)]
        {
            assert_eq!(open(&test, key).await.no_session(), Some(NoSession::Ended(reason)));
        }
        for keys in [[&other, &new], [&new, &other]] {
            let request_session = test.sessions.request_session();
            let session = request_session.session(&request(&keys)).await.unwrap();
            assert_eq!(session.principal(), Some(&super::bob()));
        }
    });
}

/// A session for which the store did not answer is signed out of, too.
pub fn signing_out_ends_a_session_that_could_not_be_read_before(store: impl Store) {
    let faulty = crate::FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        let first = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let other = key_of(&test.sessions.generate(Counter::of(2)).await.unwrap());
        faulty.fail_on(cloakroom::store::Operation::Get, crate::Fault::NotSent);
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&request(&[&first, &other])).await.unwrap();
        assert_eq!(session.value().count, 2, "the first could not be read");
        session.logout().await.unwrap();
        for key in [&first, &other] {
            assert!(!open(&test, key).await.exists());
        }
    });
}
