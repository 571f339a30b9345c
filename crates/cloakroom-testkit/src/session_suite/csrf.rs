//! A CSRF token is good for the key family it was made for.

use std::time::Duration;

use cloakroom::{ErrorKind, Store};

use super::renewal::retired;
use super::{Counter, TestSessions, alice, assert_kind, increment, key_of, open};
use crate::block_on;

/// It outlives renewals, but no login and no logout, and no other session accepts it.
pub fn a_csrf_token_is_good_for_one_key_family_and_one_form(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut first = test.sessions.generate(Counter::of(1)).await.unwrap();
        let anonymous = first.csrf_token("transfer").await.unwrap().to_string();
        first.login(&alice()).await.unwrap();
        assert_kind(first.check_csrf("transfer", &anonymous), ErrorKind::Forged);

        let (_, next) = retired(&test).await;
        let mut session = open(&test, &next).await;
        let token = session.csrf_token("transfer").await.unwrap().to_string();
        session.check_csrf("transfer", &token).unwrap();
        assert_kind(session.check_csrf("close account", &token), ErrorKind::Forged);
        assert_kind(first.check_csrf("transfer", &token), ErrorKind::Forged);
        session.logout().await.unwrap();
        assert_kind(session.check_csrf("transfer", &token), ErrorKind::Forged);
    });
}

/// The page was rendered under one key and its form is sent with the next.
pub fn a_csrf_token_from_before_a_renewal_is_good_after_it(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let token = open(&test, &old).await.csrf_token("transfer").await.unwrap().to_string();
        let mut key = old;
        for _ in 0..3 {
            test.clock.advance(Duration::from_secs(15 * 60));
            key = key_of(&open(&test, &key).await);
            for _ in 0..2 {
                open(&test, &key).await.check_csrf("transfer", &token).unwrap();
                test.clock.advance(Duration::from_secs(60));
            }
            open(&test, &key).await.check_csrf("transfer", &token).unwrap();
        }
    });
}

/// A sign-in form needs a session to bind its token to.
pub fn a_csrf_token_begins_a_session_for_a_visitor_without_one(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&http::HeaderMap::new()).await.unwrap();
        assert_kind(session.check_csrf("sign in", &"A".repeat(43)), ErrorKind::Forged);
        let token = session.csrf_token("sign in").await.unwrap().to_string();
        session.check_csrf("sign in", &token).unwrap();
        let key = key_of(&session);
        open(&test, &key).await.check_csrf("sign in", &token).unwrap();
        let mut response = http::HeaderMap::new();
        request_session.finish(&mut response);
        assert!(response.contains_key("set-cookie"));

        // The holder of a key that was replaced can still use a sign-in form, and nothing else.
        open(&test, &key).await.login(&alice()).await.unwrap();
        session = open(&test, &key).await;
        session.check_csrf("sign in", &token).unwrap();
        let given = session.csrf_token("sign in").await.unwrap().to_string();
        session.check_csrf("sign in", &given).unwrap();
        assert!(!session.exists());
        assert_kind(increment(&mut session).await, ErrorKind::Superseded);
    });
}
