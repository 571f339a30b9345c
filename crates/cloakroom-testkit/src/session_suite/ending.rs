//! An ended, revoked or expired session never comes back.

use std::time::Duration;

use cloakroom::key::Secret;
use cloakroom::record::EndReason;
use cloakroom::{ErrorKind, Key, Lifetime, NoSession, Session, Store};

use super::{
    Counter, TestSessions, alice, assert_kind, assert_opens_nothing, bob, increment, key_of, open,
};
use crate::block_on;

/// Every kind of write is refused in a request that was in flight when the session ended.
pub fn nothing_revives_an_ended_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let in_flight = in_flight(&test, &key).await;
        open(&test, &key).await.end().await.unwrap();
        assert_refused(&test, &key, in_flight).await;
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Ended(EndReason::Ended));
    });
}

/// The same for a session that was revoked from outside.
pub fn nothing_revives_a_revoked_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let in_flight = in_flight(&test, &key).await;
        test.sessions.revoke(key.id()).await.unwrap();
        assert_refused(&test, &key, in_flight).await;
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Ended(EndReason::Revoked));
    });
}

/// The same for a session that reached a deadline, before and after it was swept.
pub fn nothing_revives_an_expired_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let early = in_flight(&test, &key).await;
        let late = in_flight(&test, &key).await;
        test.clock.advance(Duration::from_secs(30 * 60));
        assert_refused(&test, &key, early).await;
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Expired);
        while test.sessions.sweep(10).await.unwrap() == 10 {}
        assert_refused(&test, &key, late).await;
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Unknown);
    });
}

/// Also more sessions than fit in one page.
pub fn revoking_a_principal_ends_all_their_sessions_and_no_others(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut keys = Vec::new();
        for _ in 0..120 {
            let mut session = test.sessions.generate(Counter::default()).await.unwrap();
            session.login(&alice()).await.unwrap();
            keys.push(key_of(&session));
        }
        let mut other = test.sessions.generate(Counter::default()).await.unwrap();
        other.login(&bob()).await.unwrap();
        assert_eq!(test.sessions.revoke_all(&alice()).await.unwrap(), 120);
        for key in &keys {
            assert_eq!(
                assert_opens_nothing(&test, key).await,
                NoSession::Ended(EndReason::Revoked)
            );
        }
        assert_eq!(open(&test, &key_of(&other)).await.principal(), Some(&bob()));
    });
}

/// A session that was extended after its login stays in the principal index.
pub fn an_extended_session_is_still_found_by_its_principal(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.lifetime(Lifetime::one_week()));
    block_on(async {
        let mut keys = Vec::new();
        for by_setting in [false, true] {
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            session.login(&alice()).await.unwrap();
            let month = Duration::from_secs(30 * 24 * 60 * 60);
            if by_setting {
                session.set_for(Counter::of(2), month).await.unwrap();
            } else {
                session.extend(month).await.unwrap();
            }
            keys.push(key_of(&session));
        }
        test.clock.advance(Duration::from_secs(20 * 24 * 60 * 60));
        while test.sessions.sweep(10).await.unwrap() == 10 {}
        assert_eq!(test.sessions.revoke_all(&alice()).await.unwrap(), 2);
        for key in &keys {
            assert_eq!(
                assert_opens_nothing(&test, key).await,
                NoSession::Ended(EndReason::Revoked)
            );
        }
    });
}

/// Two people sign in on one session at once: the loser's name leaves no trace on the winner's
/// session.
pub fn revoking_a_principal_spares_a_session_that_another_signed_in_on(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::default()).await.unwrap());
        let (mut hers, mut his) = (open(&test, &key).await, open(&test, &key).await);
        his.login(&bob()).await.unwrap();
        hers.login(&alice()).await.unwrap();
        assert_ne!(hers.id(), his.id());
        assert_eq!(test.sessions.revoke_all(&alice()).await.unwrap(), 1);
        assert_eq!(open(&test, &key_of(&his)).await.principal(), Some(&bob()));
    });
}

/// The reason is for a secret that has opened the session. The first reason stays.
pub fn only_the_holder_is_told_why_a_session_ended(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::default()).await.unwrap();
        let before = key_of(&session);
        session.login(&alice()).await.unwrap();
        let key = key_of(&session);
        test.sessions.revoke(key.id()).await.unwrap();
        session.logout().await.unwrap();
        assert_eq!(assert_opens_nothing(&test, &key).await, NoSession::Ended(EndReason::Revoked));
        assert_eq!(
            assert_opens_nothing(&test, &before).await,
            NoSession::Ended(EndReason::Revoked)
        );
        let guess = key.with_secret(Secret::from_bytes([1; 16]));
        assert_eq!(assert_opens_nothing(&test, &guess).await, NoSession::Unknown);
    });
}

/// Also ending a session that never existed.
pub fn ending_twice_succeeds(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::default()).await.unwrap();
        let id = session.id().unwrap();
        session.end().await.unwrap();
        session.end().await.unwrap();
        test.sessions.revoke(id).await.unwrap();
        test.sessions.revoke(cloakroom::PublicId::from_bytes([3; 16])).await.unwrap();
    });
}

/// The old id is never used again.
pub fn a_write_after_logout_begins_a_session_under_another_key(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(9)).await.unwrap();
        let old = key_of(&session);
        session.logout().await.unwrap();
        assert!(!session.exists() && session.value().count == 0);
        session.update(|counter| counter.notes.push("goodbye".into())).await.unwrap();
        let new = key_of(&session);
        assert_ne!(new.id(), old.id());
        assert!(matches!(
            crate::cookie_of(&session.headers()),
            crate::CookieSeen::Set { key, .. } if key == new
        ));
        assert_eq!(open(&test, &new).await.value().notes, ["goodbye"]);
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Ended(EndReason::SignedOut));
    });
}

/// The original revives a cleared key on some of its stores. Every store here refuses.
pub fn nothing_can_be_set_after_the_end(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(9)).await.unwrap();
        let key = key_of(&session);
        session.end().await.unwrap();
        assert_eq!((session.value().count, session.expires_in()), (0, Duration::ZERO));
        assert!(session.is_modified());
        assert_kind(session.set(Counter::of(1)).await, ErrorKind::NotFound);
        assert_kind(increment(&mut session).await, ErrorKind::NotFound);
        assert_kind(session.extend(Duration::from_secs(60)).await, ErrorKind::NotFound);
        assert_kind(session.start().await, ErrorKind::NotFound);
        assert_kind(test.sessions.of_key(&key).await, ErrorKind::NotFound);
        assert!(matches!(crate::cookie_of(&session.headers()), crate::CookieSeen::Removed));
    });
}

/// Five requests that have opened the session.
async fn in_flight(test: &TestSessions, key: &Key) -> [Session<Counter>; 5] {
    [
        open(test, key).await,
        open(test, key).await,
        open(test, key).await,
        open(test, key).await,
        open(test, key).await,
    ]
}

/// Tries one kind of write in each request, and panics unless all fail. `login` begins another
/// session.
async fn assert_refused(test: &TestSessions, key: &Key, in_flight: [Session<Counter>; 5]) {
    let [mut updating, mut setting, mut extending, mut renewing, mut signing_in] = in_flight;
    assert_kind(increment(&mut updating).await, ErrorKind::NotFound);
    assert_kind(setting.set(Counter::of(5)).await, ErrorKind::NotFound);
    assert_kind(extending.extend(Duration::from_secs(60)).await, ErrorKind::NotFound);
    assert_kind(renewing.renew().await, ErrorKind::NotFound);
    signing_in.login(&alice()).await.unwrap();
    assert_ne!(signing_in.id(), Some(key.id()));
    assert_eq!(signing_in.value().count, 0);
    assert_eq!(open(test, &key_of(&signing_in)).await.principal(), Some(&alice()));
    assert_opens_nothing(test, key).await;
}
