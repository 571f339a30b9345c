//! The deadlines of the record decide, never those of the cookie.

use std::time::Duration;

use cloakroom::{ErrorKind, Lifetime, NoSession, Store};

use super::{Counter, TestSessions, assert_kind, assert_opens_nothing, increment, key_of, open};
use crate::{CookieSeen, block_on, cookie_of};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// To the millisecond. Reading is use.
pub fn an_idle_session_ends_at_its_deadline_and_use_moves_it(store: impl Store) {
    let lifetime = Lifetime::absolute(10 * HOUR).with_idle_timeout(30 * MINUTE);
    let test = TestSessions::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        for _ in 0..4 {
            test.clock.advance((30 * MINUTE).checked_sub(Duration::from_millis(1)).unwrap());
            assert!(open(&test, &key).await.exists());
        }
        test.clock.advance(30 * MINUTE);
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Expired);
    });
}

/// A session in constant use has an end.
pub fn the_absolute_deadline_holds_however_busy_the_session(store: impl Store) {
    let lifetime = Lifetime::absolute(2 * HOUR).with_idle_timeout(30 * MINUTE);
    let test = TestSessions::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        for _ in 0..7 {
            test.clock.advance(17 * MINUTE);
            increment(&mut open(&test, &key).await).await.unwrap();
        }
        test.clock.advance(MINUTE);
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Expired);
    });
}

/// Constant reading writes once per tenth of the idle timeout, and moves no payload.
pub fn a_touch_is_written_once_per_fraction_of_the_idle_timeout(store: impl Store) {
    let lifetime = Lifetime::absolute(10 * HOUR).with_idle_timeout(100 * MINUTE);
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::with(spy.clone(), |builder| builder.lifetime(lifetime));
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        spy.reset();
        for _ in 0..100 {
            test.clock.advance(MINUTE);
            assert!(open(&test, &key).await.exists());
        }
        assert_eq!((spy.calls().get, spy.calls().touch, spy.calls().total()), (100, 10, 110));
    });
}

/// Max-Age covers the longest life of the record, so a touch needs no new cookie.
pub fn the_cookie_never_ends_before_the_record(store: impl Store) {
    let lifetime = Lifetime::absolute(10 * HOUR).with_idle_timeout(30 * MINUTE);
    let test = TestSessions::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        assert_eq!(max_age(&session), Some(36_000));
        let test = TestSessions::with(cloakroom::MemoryStore::new(), |builder| {
            builder.lifetime(lifetime.until_browser_closes())
        });
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        assert_eq!(max_age(&session), None);
    });
}

/// Later writes do not change a session's lifetime either.
pub fn a_change_of_the_default_lifetime_leaves_sessions_as_they_are(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let month = Lifetime::absolute(30 * 24 * HOUR);
        test.sessions.set_lifetime(month);
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        test.sessions.set_lifetime(Lifetime::absolute(HOUR));
        assert_eq!(test.sessions.lifetime(), Lifetime::absolute(HOUR));
        let brief = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        for _ in 0..29 {
            test.clock.advance(24 * HOUR);
            open(&test, &key).await.update(|counter| counter.count += 1).await.unwrap();
        }
        assert_eq!(open(&test, &key).await.value().count, 30);
        assert_eq!(assert_opens_nothing(&test, &brief).await, NoSession::Expired);
    });
}

/// Zero seconds from now is now, on every store.
pub fn an_expiry_of_zero_ends_the_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let key = key_of(&session);
        session.extend(Duration::ZERO).await.unwrap();
        assert_kind(test.sessions.of_key(&key).await, ErrorKind::NotFound);
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Removed));
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let key = key_of(&session);
        session.set_for(Counter::of(2), Duration::ZERO).await.unwrap();
        assert_kind(test.sessions.of_key(&key).await, ErrorKind::NotFound);
        let stillborn = test.sessions.generate_for(Counter::of(1), Duration::ZERO).await.unwrap();
        assert!(!stillborn.exists());
    });
}

/// "90 minutes from now" is exactly that, and no idle timeout shortens it.
pub fn an_explicit_expiry_is_exact(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let session = test.sessions.generate_for(Counter::of(1), 90 * MINUTE).await.unwrap();
        // The cookie lives twice as long, for when the expiry is given again.
        assert_eq!((session.expires_in(), max_age(&session)), (90 * MINUTE, Some(2 * 5400)));
        let key = key_of(&session);
        test.clock.advance(89 * MINUTE);
        let mut session = open(&test, &key).await;
        session.set(Counter::of(2)).await.unwrap();
        assert_eq!(session.expires_in(), MINUTE);
        session.set_for(Counter::of(3), 2 * MINUTE).await.unwrap();
        assert_eq!((session.value().count, session.expires_in()), (3, 2 * MINUTE));
        let key = key_of(&session);
        test.clock.advance((2 * MINUTE).checked_sub(Duration::from_millis(1)).unwrap());
        assert!(open(&test, &key).await.exists());
        test.clock.advance(Duration::from_millis(1));
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Expired);
    });
}

/// A longer life needs a longer cookie, and an existing key is never sent again.
pub fn a_session_that_outlives_its_cookie_has_its_key_renewed(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut session = open(&test, &old).await;
        session.extend(HOUR).await.unwrap(); // ends before the cookie does: nothing to send
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::None));
        session.extend(100 * HOUR).await.unwrap();
        let CookieSeen::Set { key, max_age } = cookie_of(&session.headers()) else {
            panic!("the cookie ends before the session")
        };
        assert_eq!(max_age, Some(2 * 360_000));
        assert_ne!(key, old);
        assert_eq!(open(&test, &key).await.value().count, 1);
        assert_eq!(open(&test, &old).await.value().count, 1); // the response may be lost
        let mut session = open(&test, &key).await;
        session.extend(Duration::MAX).await.unwrap();
        assert_eq!(session.expires_in(), 400 * 24 * HOUR);
    });
}

/// The cookie then has the longer life.
pub fn a_session_extended_during_a_renewal_sends_the_derived_key_again(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        test.clock.advance(15 * MINUTE);
        let (mut first, mut second) = (open(&test, &old).await, open(&test, &old).await);
        let next = key_of(&first);
        assert_eq!(key_of(&second), next);
        first.extend(50 * HOUR).await.unwrap();
        second.extend(200 * HOUR).await.unwrap();
        let mut third = open(&test, &next).await;
        third.extend(1000 * HOUR).await.unwrap();
        for (session, seconds) in [(&first, 360_000), (&second, 1_440_000), (&third, 7_200_000)] {
            assert_eq!((key_of(session), max_age(session)), (next.clone(), Some(seconds)));
        }
    });
}

fn max_age(session: &cloakroom::Session<Counter>) -> Option<u64> {
    match cookie_of(&session.headers()) {
        CookieSeen::Set { max_age, .. } => max_age,
        _ => panic!("no key was sent"),
    }
}
