//! Signing in leaves one working secret.

use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::{ErrorKind, Lifetime, NoSession, Store};

use super::{
    Counter, TestSessions, alice, assert_kind, assert_opens_nothing, bob, increment, key_of, open,
};
use crate::{CookieSeen, block_on, cookie_of};

/// Once `login` has answered, a request in flight with the old secret cannot write, and a new
/// request cannot read.
pub fn after_login_the_old_key_opens_and_writes_nothing(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let (mut writer, mut renewer) = (open(&test, &old).await, open(&test, &old).await);
        let mut ender = open(&test, &old).await;
        let mut session = open(&test, &old).await;
        session.login(&alice()).await.unwrap();
        assert_eq!(session.id(), Some(old.id()));
        assert_kind(increment(&mut writer).await, ErrorKind::Superseded);
        assert_kind(renewer.renew().await, ErrorKind::Superseded);
        assert_kind(ender.logout().await, ErrorKind::Superseded);
        let stale = open(&test, &old).await;
        assert!(!stale.exists() && stale.value().count == 0 && stale.principal().is_none());
        assert_eq!(open(&test, &key_of(&session)).await.principal(), Some(&alice()));
    });
}

/// The same for `renew`.
pub fn after_renew_the_old_key_opens_and_writes_nothing(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let old = key_of(&session);
        let mut writer = open(&test, &old).await;
        session.renew().await.unwrap();
        assert_eq!((session.value().count, session.principal()), (1, Some(&alice())));
        assert_kind(increment(&mut writer).await, ErrorKind::Superseded);
        assert!(!open(&test, &old).await.exists());
        let mut empty =
            test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        assert_kind(empty.renew().await, ErrorKind::NotFound);
    });
}

/// A cart survives signing in, and both timeouts start again.
pub fn login_keeps_the_value_and_resets_both_deadlines(store: impl Store) {
    let lifetime = Lifetime::absolute(Duration::from_secs(60 * 60))
        .with_idle_timeout(Duration::from_secs(30 * 60));
    let test = TestSessions::with(store, |builder| builder.lifetime(lifetime));
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
        test.clock.advance(Duration::from_secs(25 * 60));
        session.login(&alice()).await.unwrap();
        assert_eq!((session.value().count, session.principal()), (4, Some(&alice())));
        assert_eq!(session.expires_in(), Duration::from_secs(30 * 60));
        assert_eq!(session.authenticated_at(), Some(test.clock.now()));
        let CookieSeen::Set { key, max_age } = cookie_of(&session.headers()) else {
            panic!("no key was sent")
        };
        assert_eq!((key, max_age), (key_of(&session), Some(3600)));
    });
}

/// Another person on the same browser sees nothing of the first one's session.
pub fn login_as_another_principal_ends_the_old_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let old = key_of(&session);
        session.login(&bob()).await.unwrap();
        assert_ne!(session.id(), Some(old.id()));
        assert_eq!((session.value().count, session.principal()), (0, Some(&bob())));
        assert_eq!(
            assert_opens_nothing(&test, &old).await,
            NoSession::Ended(EndReason::SignedInAsAnother)
        );
    });
}

/// A double click: two sign-ins race on one anonymous session, and both get the same key.
pub fn two_logins_at_once_are_given_the_same_key(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let (mut first, mut second) = (open(&test, &key).await, open(&test, &key).await);
        first.login(&alice()).await.unwrap();
        second.login(&alice()).await.unwrap();
        for session in [&first, &second] {
            assert_eq!(open(&test, &key_of(session)).await.principal(), Some(&alice()));
            assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }));
        }
        assert_eq!(key_of(&first), key_of(&second));
        assert_eq!((first.value().count, second.value().count), (4, 4));
    });
}

/// Another principal's sign-in never fails because of a superseded key, and ends nothing.
pub fn login_of_another_principal_with_a_superseded_key_begins_a_new_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
        let old = key_of(&session);
        session.login(&alice()).await.unwrap();
        let mut late = open(&test, &old).await;
        late.login(&bob()).await.unwrap();
        assert_ne!(late.id(), session.id());
        assert_eq!(late.principal(), Some(&bob()));
        assert_eq!(open(&test, &key_of(&session)).await.principal(), Some(&alice()));
    });
}

/// The browser most likely holds the newer key, so no cookie is sent and no session begins. A
/// minute later the key is as good as none.
pub fn a_superseded_key_begins_nothing_and_is_forgotten_after_a_minute(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
        let old = key_of(&session);
        session.login(&alice()).await.unwrap();
        test.clock.advance(Duration::from_secs(59));
        let request_session = test.sessions.request_session();
        let mut late = request_session.session(&test.navigation(&old)).await.unwrap();
        assert_kind(increment(&mut late).await, ErrorKind::Superseded);
        assert_kind(late.start().await, ErrorKind::Superseded);
        assert_kind(late.logout().await, ErrorKind::Superseded);
        assert!(matches!(cookie_of(&late.headers()), CookieSeen::None));
        assert_kind(test.sessions.of_headers(&test.request(&old)).await, ErrorKind::Superseded);
        let created = test.sessions.of_headers_or_create(&test.request(&old), Counter::of(1)).await;
        assert_kind(created, ErrorKind::Superseded);
        test.clock.advance(Duration::from_secs(1));
        let mut later = open(&test, &old).await;
        assert_eq!(later.no_session(), Some(NoSession::Retired));
        increment(&mut later).await.unwrap();
        assert_ne!(later.id(), session.id());
    });
}

/// One round trip each, and no conflict.
pub fn a_guard_renews_and_the_handler_still_writes(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        spy.reset();
        let request_session = test.sessions.request_session();
        let mut guard = request_session.session(&test.request(&key)).await.unwrap();
        let mut handler = request_session.session(&test.request(&key)).await.unwrap();
        guard.renew().await.unwrap();
        increment(&mut handler).await.unwrap();
        assert_eq!((spy.calls().get, spy.calls().replace, spy.calls().total()), (1, 2, 3));
        let mut response = http::HeaderMap::new();
        request_session.finish(&mut response);
        let CookieSeen::Set { key, .. } = cookie_of(&response) else { panic!("no key was sent") };
        assert_eq!(open(&test, &key).await.value().count, 2);
    });
}
