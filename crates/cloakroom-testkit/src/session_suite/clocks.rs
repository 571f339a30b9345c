//! Clocks that differ, and clocks that are set back.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{AuthRequirement, ErrorKind, NoSession, Store, Timestamp};

use super::{Counter, TestSessions, alice, assert_kind, assert_opens_nothing, key_of, open};
use crate::{CookieSeen, block_on, cookie_of};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn back(test: &TestSessions, by: Duration) {
    let earlier = test.clock.now().since(Timestamp::EPOCH).checked_sub(by).unwrap();
    test.clock.set(Timestamp::EPOCH.after(earlier));
}

/// A session that a node whose clock is ahead signed in before the revocation.
pub fn a_revocation_ends_a_session_that_a_clock_ahead_signed_in(store: impl Store) {
    let store = Arc::new(store);
    let (test, ahead) =
        (TestSessions::new(Arc::clone(&store)), TestSessions::new(Arc::clone(&store)));
    ahead.clock.advance(SECOND);
    block_on(async {
        let mut session = ahead.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let key = key_of(&session);
        test.clock.advance(SECOND / 2);
        ahead.clock.advance(SECOND / 2);
        let ended = test.sessions.revoke_issued_before(&alice(), test.sessions.now()).await;
        assert_eq!(ended.unwrap(), 1);
        assert!(!open(&test, &key).await.exists());
        // The caller's own sign-in, at the moment of the revocation, stays.
        let now = test.sessions.now();
        let mut own = test.sessions.generate(Counter::of(1)).await.unwrap();
        own.login(&alice()).await.unwrap();
        assert_eq!(test.sessions.revoke_issued_before(&alice(), now).await.unwrap(), 0);
        assert!(open(&test, &key_of(&own)).await.exists());
    });
}

/// `revoke_issued_before` failed half-way, or did not find the session: a sensitive step is refused
/// all the same.
pub fn a_sensitive_step_is_refused_after_a_revocation_that_did_not_reach_the_session(
    store: impl Store,
) {
    let store: Arc<dyn Store> = Arc::new(store);
    let test = TestSessions::new(Arc::clone(&store));
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let requirement = AuthRequirement::default().within(60 * MINUTE);
        session.require(requirement).await.unwrap();
        test.clock.advance(SECOND);
        let now = test.sessions.now();
        store.revoke_before(&alice(), now, now.after(60 * MINUTE)).await.unwrap();
        let mut session = open(&test, &key_of(&session)).await;
        assert_kind(session.require(requirement).await, ErrorKind::LoginRevoked);
        session.login(&alice()).await.unwrap();
        session.require(requirement).await.unwrap();
    });
}

/// A replaced key counts as superseded for its minute, not until the clock has caught up.
pub fn a_clock_that_is_set_back_keeps_no_key_superseded(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        test.clock.advance(60 * MINUTE);
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut session = open(&test, &old).await;
        session.login(&alice()).await.unwrap();
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Superseded);
        back(&test, 30 * MINUTE);
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
        // Clocks of two nodes differ a little.
        test.clock.advance(29 * MINUTE + 55 * SECOND);
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Superseded);
    });
}

/// Neither is a renewal put off, nor does the old key stay valid for as long.
pub fn a_clock_that_is_set_back_does_not_stop_renewal(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        test.clock.advance(600 * MINUTE);
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        back(&test, 300 * MINUTE);
        let session = open(&test, &old).await;
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }), "it is due");
        let next = key_of(&session);
        assert!(open(&test, &next).await.exists()); // its first use
        back(&test, 100 * MINUTE);
        assert!(open(&test, &next).await.exists()); // counted from here again
        test.clock.advance(MINUTE);
        assert!(open(&test, &next).await.exists());
        assert!(!open(&test, &old).await.exists(), "it has retired");
    });
}

/// An expiry that every request gives again needs no key for each.
pub fn extending_in_every_request_renews_the_key_no_more_often_than_the_timer(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let session = test.sessions.generate_for(Counter::of(1), 30 * MINUTE).await.unwrap();
        let (mut key, mut keys) = (key_of(&session), 1);
        let mut late = None;
        for minute in 0..45 {
            test.clock.advance(MINUTE);
            let mut session = open(&test, &key).await;
            session.extend(30 * MINUTE).await.unwrap();
            if let CookieSeen::Set { key: next, max_age } = cookie_of(&session.headers()) {
                // The cookie never ends before the session.
                assert!(max_age >= Some(30 * 60), "{max_age:?}");
                late.get_or_insert((minute, key));
                (key, keys) = (next, keys + 1);
            }
        }
        assert!(keys <= 4, "{keys} keys in 45 minutes");
        assert!(open(&test, &key).await.exists());
    });
}
