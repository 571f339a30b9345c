//! Law 5: the record's deadlines decide, never the cookie's.

use std::time::Duration;

use cloakroom::{ErrorKind, Lifetime, NoSession, Store};

use super::{Tally, World, assert_dead, assert_kind, increment, key_of, visit};
use crate::{CookieSeen, block_on, cookie_of};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// To the millisecond: alive before its deadline, gone at it; reading counts as use.
pub fn an_idle_session_ends_at_its_deadline_and_use_moves_it(store: impl Store) {
    let lifetime = Lifetime::absolute(10 * HOUR).with_idle_timeout(30 * MINUTE);
    let world = World::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        for _ in 0..4 {
            world.clock.advance((30 * MINUTE).checked_sub(Duration::from_millis(1)).unwrap());
            assert!(visit(&world, &key).await.exists());
        }
        world.clock.advance(30 * MINUTE);
        assert_eq!(assert_dead(&world, &key).await, NoSession::Expired);
    });
}

/// Busy or not, a session has an end.
pub fn the_absolute_deadline_holds_however_busy_the_session(store: impl Store) {
    let lifetime = Lifetime::absolute(2 * HOUR).with_idle_timeout(30 * MINUTE);
    let world = World::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        for _ in 0..7 {
            world.clock.advance(17 * MINUTE);
            increment(&mut visit(&world, &key).await).await.unwrap();
        }
        world.clock.advance(MINUTE);
        assert_eq!(assert_dead(&world, &key).await, NoSession::Expired);
    });
}

/// Reading all the time writes once per tenth of the idle timeout, and moves no payload.
pub fn a_touch_is_written_once_per_fraction_of_the_idle_timeout(store: impl Store) {
    let lifetime = Lifetime::absolute(10 * HOUR).with_idle_timeout(100 * MINUTE);
    let spy = crate::SpyStore::new(store);
    let world = World::with(spy.clone(), |builder| builder.lifetime(lifetime));
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        spy.reset();
        for _ in 0..100 {
            world.clock.advance(MINUTE);
            assert!(visit(&world, &key).await.exists());
        }
        assert_eq!((spy.calls().get, spy.calls().touch, spy.calls().total()), (100, 10, 110));
    });
}

/// Max-Age covers all the record may live, so that a touch needs no new cookie.
pub fn the_cookie_never_ends_before_the_record(store: impl Store) {
    let lifetime = Lifetime::absolute(10 * HOUR).with_idle_timeout(30 * MINUTE);
    let world = World::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let session = world.sessions.generate(Tally::of(1)).await.unwrap();
        assert_eq!(max_age(&session), Some(36_000));
        let world = World::with(cloakroom::MemoryStore::new(), |builder| {
            builder.lifetime(lifetime.until_browser_closes())
        });
        let session = world.sessions.generate(Tally::of(1)).await.unwrap();
        assert_eq!(max_age(&session), None);
    });
}

/// "Remember me" sticks: a later write by default policy does not shorten it, nor does a change of that policy.
pub fn a_session_keeps_the_lifetime_it_was_given(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let month = Lifetime::absolute(30 * 24 * HOUR);
        world.sessions.set_lifetime(month);
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        world.sessions.set_lifetime(Lifetime::absolute(HOUR));
        assert_eq!(world.sessions.lifetime(), Lifetime::absolute(HOUR));
        let brief = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        for _ in 0..29 {
            world.clock.advance(24 * HOUR);
            visit(&world, &key).await.update(|tally| tally.count += 1).await.unwrap();
        }
        assert_eq!(visit(&world, &key).await.value().count, 30);
        assert_eq!(assert_dead(&world, &brief).await, NoSession::Expired);
    });
}

/// Zero seconds from now is now, on every store.
pub fn an_expiry_of_zero_ends_the_session(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let mut session = world.sessions.generate(Tally::of(1)).await.unwrap();
        let key = key_of(&session);
        session.extend(Duration::ZERO).await.unwrap();
        assert_kind(world.sessions.of_key(&key).await, ErrorKind::NotFound);
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Removed));
        let mut session = world.sessions.generate(Tally::of(1)).await.unwrap();
        let key = key_of(&session);
        session.set_for(Tally::of(2), Duration::ZERO).await.unwrap();
        assert_kind(world.sessions.of_key(&key).await, ErrorKind::NotFound);
        let stillborn = world.sessions.generate_for(Tally::of(1), Duration::ZERO).await.unwrap();
        assert!(!stillborn.exists());
    });
}

/// "90 seconds from now" is neither 89 nor 91, and no idle timeout shortens it.
pub fn an_explicit_expiry_is_exact(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let session = world.sessions.generate_for(Tally::of(1), 90 * MINUTE).await.unwrap();
        assert_eq!((session.expires_in(), max_age(&session)), (90 * MINUTE, Some(5400)));
        let key = key_of(&session);
        world.clock.advance(89 * MINUTE);
        let mut session = visit(&world, &key).await;
        session.set(Tally::of(2)).await.unwrap();
        assert_eq!(session.expires_in(), MINUTE);
        session.set_for(Tally::of(3), 2 * MINUTE).await.unwrap();
        assert_eq!((session.value().count, session.expires_in()), (3, 2 * MINUTE));
        let key = key_of(&session);
        world.clock.advance((2 * MINUTE).checked_sub(Duration::from_millis(1)).unwrap());
        assert!(visit(&world, &key).await.exists());
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(assert_dead(&world, &key).await, NoSession::Expired);
    });
}

/// A longer life needs a longer cookie, and an existing key is never sent again: so the key is renewed.
pub fn outgrowing_the_cookie_renews_the_key(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let old = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        let mut session = visit(&world, &old).await;
        session.extend(HOUR).await.unwrap(); // sooner than the cookie ends: nothing to send
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::None));
        session.extend(100 * HOUR).await.unwrap();
        let CookieSeen::Set { key, max_age } = cookie_of(&session.headers()) else {
            panic!("the cookie would end before the session")
        };
        assert_eq!(max_age, Some(360_000));
        assert_ne!(key, old);
        assert_eq!(visit(&world, &key).await.value().count, 1);
        assert_eq!(visit(&world, &old).await.value().count, 1); // the response may be lost
        let mut session = visit(&world, &key).await;
        session.extend(Duration::MAX).await.unwrap();
        assert_eq!(session.expires_in(), 400 * 24 * HOUR);
    });
}

/// Also while a renewal is under way: the derived key is sent once more, with the longer life.
pub fn outgrowing_the_cookie_during_a_renewal_sends_the_derived_key(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let old = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        world.clock.advance(15 * MINUTE);
        let (mut first, mut second) = (visit(&world, &old).await, visit(&world, &old).await);
        let next = key_of(&first);
        assert_eq!(key_of(&second), next);
        first.extend(50 * HOUR).await.unwrap();
        second.extend(100 * HOUR).await.unwrap();
        let mut third = visit(&world, &next).await;
        third.extend(200 * HOUR).await.unwrap();
        for (session, seconds) in [(&first, 180_000), (&second, 360_000), (&third, 720_000)] {
            assert_eq!((key_of(session), max_age(session)), (next.clone(), Some(seconds)));
        }
    });
}

fn max_age(session: &cloakroom::Session<Tally>) -> Option<u64> {
    match cookie_of(&session.headers()) {
        CookieSeen::Set { max_age, .. } => max_age,
        _ => panic!("no key was sent"),
    }
}
