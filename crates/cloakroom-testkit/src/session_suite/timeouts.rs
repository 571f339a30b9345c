//! The deadlines of the record decide, never those of the cookie.

use std::time::Duration;

use cloakroom::{ErrorKind, Lifetime, Login, NoSession, Store};
use http::HeaderMap;

use super::{
    Counter, TestSessions, alice, assert_kind, assert_opens_nothing, increment, key_of, open,
};
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

/// "90 minutes from now" is exactly that: no idle timeout shortens it, and no use moves it.
pub fn an_explicit_expiry_is_exact(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let session = test.sessions.generate_for(Counter::of(1), 90 * MINUTE).await.unwrap();
        // The cookie lives twice as long, for when the expiry is given again.
        assert_eq!((session.expires_in(), max_age(&session)), (90 * MINUTE, Some(2 * 5400)));
        let key = key_of(&session);
        test.clock.advance(89 * MINUTE);
        let mut session = open(&test, &key).await;
        session.update(|counter| counter.count = 2).await.unwrap();
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

/// The original's `set` without an expiry: the session's own timeout counts again, from now.
pub fn a_set_without_an_expiry_returns_to_the_sessions_lifetime(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let default = 30 * MINUTE;
        let mut session = test.sessions.generate_for(Counter::of(1), MINUTE).await.unwrap();
        session.set(Counter::of(1)).await.unwrap(); // even if the value stays the same
        assert_eq!(session.expires_in(), default);
        session.set_for(Counter::of(2), 2 * HOUR).await.unwrap();
        session.set(Counter::of(3)).await.unwrap();
        assert_eq!(session.expires_in(), default);
        session.extend(2 * HOUR).await.unwrap();
        test.clock.advance(HOUR);
        let mut session = open(&test, &key_of(&session)).await;
        session.update(|counter| counter.count = 4).await.unwrap();
        assert_eq!(session.expires_in(), HOUR, "an update leaves it alone");
        session.set(Counter::of(5)).await.unwrap();
        assert_eq!(session.expires_in(), default);
        // A lifetime that was chosen for this session stays.
        session.login(Login::of(&alice()).with_lifetime(Lifetime::remember_me())).await.unwrap();
        session.extend(HOUR).await.unwrap();
        session.set(Counter::of(6)).await.unwrap();
        assert_eq!(session.expires_in(), 14 * 24 * HOUR);
        assert_eq!(session.lifetime(), Lifetime::remember_me());
        // The browser keeps the cookie as long as the session can last.
        let kept = open(&test, &key_of(&session)).await;
        assert_eq!((kept.value().count, kept.expires_in()), (6, 14 * 24 * HOUR));
    });
}

/// However often it is given: a session that is extended for ever would be one without a bound.
pub fn an_explicit_expiry_ends_at_the_absolute_timeout_at_the_latest(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate_for(Counter::of(1), 24 * HOUR).await.unwrap();
        assert_eq!(session.expires_in(), 12 * HOUR);
        for _ in 0..11 {
            test.clock.advance(HOUR);
            session.extend(24 * HOUR).await.unwrap();
        }
        assert_eq!(session.expires_in(), HOUR);
        session.set_for(Counter::of(2), 2 * HOUR).await.unwrap();
        assert_eq!(session.expires_in(), HOUR);
        test.clock.advance(HOUR);
        assert_eq!(assert_opens_nothing(&test, &key_of(&session)).await, NoSession::Expired);
    });
}

/// `Lifetime::one_week`: the original counts from the last write, and we from the last use.
pub fn a_week_is_counted_from_the_last_write_or_use(store: impl Store) {
    let week = 7 * 24 * HOUR;
    let test = TestSessions::with(store, |builder| builder.lifetime(Lifetime::one_week()));
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let mut key = key_of(&session);
        for count in 2..10 {
            test.clock.advance(week.checked_sub(MINUTE).unwrap());
            session = open(&test, &key).await;
            session.set(Counter::of(count)).await.unwrap();
            assert_eq!(session.expires_in(), week);
            key = key_of(&session);
        }
        test.clock.advance(week);
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Expired);
    });
}

/// The original's `generate ?expiry` without a value, and `of_header_or_create ?expiry`.
pub fn a_session_can_begin_with_an_expiry_in_every_way(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut allocated = test.sessions.allocate_for(2 * MINUTE).await.unwrap();
        assert_eq!(allocated.expires_in(), 2 * MINUTE);
        assert_kind(test.sessions.of_key(&key_of(&allocated)).await, ErrorKind::NotSet);
        allocated.update(|counter| counter.count = 1).await.unwrap();
        assert_eq!(allocated.expires_in(), 2 * MINUTE);
        assert!(!test.sessions.allocate_for(Duration::ZERO).await.unwrap().exists());

        let of = async |request: &HeaderMap, expiry| {
            test.sessions.of_headers_or_create_for(request, Counter::of(7), expiry).await
        };
        let created = of(&HeaderMap::new(), 3 * MINUTE).await.unwrap();
        assert_eq!((created.value().count, created.expires_in()), (7, 3 * MINUTE));
        assert_eq!(max_age(&created), Some(2 * 180));
        // A session that is there keeps its end.
        let found = of(&test.request(&key_of(&created)), HOUR).await.unwrap();
        assert_eq!((found.id(), found.expires_in()), (created.id(), 3 * MINUTE));
        // The key of a session that is over, or never was, opens nothing: a new one is minted.
        let ended = test.sessions.generate(Counter::of(1)).await.unwrap();
        test.sessions.revoke(ended.id().unwrap()).await.unwrap();
        let unknown = test.sessions.generate_for(Counter::of(1), MINUTE).await.unwrap();
        test.clock.advance(MINUTE);
        for key in [key_of(&ended), key_of(&unknown)] {
            let created = of(&test.request(&key), 3 * MINUTE).await.unwrap();
            assert_ne!(key_of(&created), key);
            assert_eq!((created.value().count, created.expires_in()), (7, 3 * MINUTE));
        }
        let none = of(&HeaderMap::new(), Duration::ZERO).await.unwrap();
        assert!(!none.exists());
    });
}

/// A longer life needs a longer cookie, and an existing key is never sent again.
pub fn a_session_that_outlives_its_cookie_has_its_key_renewed(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.lifetime(long()));
    block_on(async {
        let old = key_of(&test.sessions.generate_for(Counter::of(1), HOUR).await.unwrap());
        let mut session = open(&test, &old).await;
        session.extend(2 * HOUR).await.unwrap(); // ends with the cookie: nothing to send
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
    let test = TestSessions::with(store, |builder| builder.lifetime(long()));
    block_on(async {
        let old = key_of(&test.sessions.generate_for(Counter::of(1), HOUR).await.unwrap());
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

/// A lifetime that explicit expiries can make use of.
fn long() -> Lifetime {
    Lifetime::absolute(Duration::MAX).with_renewal_timeout(15 * MINUTE)
}

fn max_age(session: &cloakroom::Session<Counter>) -> Option<u64> {
    match cookie_of(&session.headers()) {
        CookieSeen::Set { max_age, .. } => max_age,
        _ => panic!("no key was sent"),
    }
}
