//! A key knows how it travels: in a cookie or as a bearer token.

use std::time::Duration;

use cloakroom::{
    CookiePolicy, ErrorKind, Key, Login, NoSession, RequestSession, Session, Store, Transport,
};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, assert_kind, increment, key_of};
use crate::{CookieSeen, block_on, cookie_of};

const MINUTE: Duration = Duration::from_secs(60);

fn with_both(store: impl Store) -> TestSessions {
    let both = Transport::cookie_or_bearer(CookiePolicy::default());
    TestSessions::with(store, |builder| builder.transport(both))
}

fn bearer(key: &Key) -> HeaderMap {
    let mut request = HeaderMap::new();
    request.insert("authorization", format!("Bearer {}", key.expose()).parse().unwrap());
    request
}

async fn arrive(
    test: &TestSessions,
    request: &HeaderMap,
) -> (RequestSession<Counter>, Session<Counter>) {
    let request_session = test.sessions.request_session();
    let session = request_session.session(request).await.unwrap();
    (request_session, session)
}

/// A stolen bearer token is of no use in a cookie jar, and the reverse; neither ends anything.
pub fn a_key_opens_nothing_if_it_travels_in_the_other_way(store: impl Store) {
    let test = with_both(store);
    block_on(async {
        let cookie_key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let token = test.sessions.generate_bearer(Counter::of(2)).await.unwrap();
        assert_eq!(cookie_of(&token.headers()), CookieSeen::None);
        assert!(token.headers().iter().any(|(_, value)| value == "no-store"));
        let token = key_of(&token);
        for minutes in [0, 16, 10] {
            test.clock.advance(minutes * MINUTE);
            let (_, wrong) = arrive(&test, &test.request(&token)).await;
            assert_eq!(wrong.no_session(), Some(NoSession::WrongSecret));
            assert_eq!(cookie_of(&wrong.headers()), CookieSeen::None, "nothing is renewed");
            let (_, wrong) = arrive(&test, &bearer(&cookie_key)).await;
            assert_eq!(wrong.no_session(), Some(NoSession::WrongSecret));
            let (_, right) = arrive(&test, &bearer(&token)).await;
            assert_eq!(right.value().count, 2);
            assert_eq!(cookie_of(&right.headers()), CookieSeen::None);
            assert_eq!(arrive(&test, &test.request(&cookie_key)).await.1.value().count, 1);
        }
    });
}

/// A token for another service does not hide the cookie.
pub fn a_foreign_bearer_token_hides_nothing(store: impl Store) {
    let test = with_both(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let other = key_of(&test.sessions.generate(Counter::of(9)).await.unwrap());
        for token in ["of-another-service".to_owned(), other.expose()] {
            let mut request = test.request(&key);
            request.insert("authorization", format!("Bearer {token}").parse().unwrap());
            let (_, mut session) = arrive(&test, &request).await;
            assert_eq!(increment(&mut session).await.is_ok(), session.id() == Some(key.id()));
        }
        // A new visitor with such a token is given a cookie.
        let mut request = HeaderMap::new();
        request.insert("authorization", "Bearer of-another-service".parse().unwrap());
        let (_, mut session) = arrive(&test, &request).await;
        increment(&mut session).await.unwrap();
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }));
    });
}

/// A service that is handed a client's key renews nothing behind its back.
pub fn a_key_that_is_used_outside_a_request_is_never_renewed(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = with_both(spy.clone());
    block_on(async {
        let cookie_key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let token = key_of(&test.sessions.generate_bearer(Counter::of(2)).await.unwrap());
        spy.reset();
        for _ in 0..8 {
            test.clock.advance(20 * MINUTE);
            for (key, count) in [(&cookie_key, 1), (&token, 2)] {
                // The text does not say how the key travels: either is opened.
                let parsed: Key = key.expose().parse().unwrap();
                let session = test.sessions.of_key(&parsed).await.unwrap();
                assert_eq!(session.value().count, count);
                assert_eq!(&key_of(&session), key);
                assert_eq!(cookie_of(&session.headers()), CookieSeen::None);
            }
        }
        assert_eq!(spy.calls().replace, 0);
    });
}

/// The application says at sign-in that this client is not a browser.
pub fn a_sign_in_chooses_how_its_key_travels(store: impl Store) {
    let test = with_both(store);
    block_on(async {
        let (request_session, mut session) = arrive(&test, &HeaderMap::new()).await;
        session.login(Login::of(&alice()).bearer()).await.unwrap();
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        assert_eq!(
            (cookie_of(&response), &response["cache-control"]),
            (CookieSeen::None, &"no-store".parse().unwrap())
        );
        let token = key_of(&session);
        let (_, mut session) = arrive(&test, &bearer(&token)).await;
        assert_eq!(session.principal(), Some(&alice()));
        // A later sign-in and a renewal keep the way in which the session's key travels.
        session.login(&alice()).await.unwrap();
        session.renew().await.unwrap();
        let token = key_of(&session);
        let (_, mut session) = arrive(&test, &bearer(&token)).await;
        session.logout().await.unwrap();
        assert_eq!(cookie_of(&session.headers()), CookieSeen::None, "there is no cookie to remove");
    });
}

/// A double click converges for bearer clients, too, and a browser's session can be handed over.
pub fn a_session_can_change_from_a_cookie_to_a_bearer_token(store: impl Store) {
    let test = with_both(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let mut tokens = Vec::new();
        for _ in 0..2 {
            let (_, mut session) = arrive(&test, &test.request(&key)).await;
            session.login(Login::of(&alice()).bearer()).await.unwrap();
            tokens.push(key_of(&session));
        }
        assert_eq!(tokens[0], tokens[1]);
        assert_eq!(arrive(&test, &bearer(&tokens[0])).await.1.value().count, 4);
        assert!(!arrive(&test, &test.request(&tokens[0])).await.1.exists());
        assert!(!arrive(&test, &test.request(&key)).await.1.exists());
    });
}

/// Where only one way is accepted, keys of the other are not minted.
pub fn no_key_is_minted_that_could_not_be_presented(store: impl Store) {
    let store = std::sync::Arc::new(store);
    let test = TestSessions::new(std::sync::Arc::clone(&store));
    block_on(async {
        assert_kind(test.sessions.generate_bearer(Counter::of(1)).await, ErrorKind::NoBearer);
        let (_, mut session) = arrive(&test, &HeaderMap::new()).await;
        assert_kind(session.login(Login::of(&alice()).bearer()).await, ErrorKind::NoBearer);
        let test = TestSessions::with(store, |builder| builder.transport(Transport::bearer()));
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        assert_eq!(arrive(&test, &bearer(&key_of(&session))).await.1.value().count, 1);
        session.login(&alice()).await.unwrap();
        assert_eq!(arrive(&test, &bearer(&key_of(&session))).await.1.value().count, 1);
        let (_, mut session) = arrive(&test, &HeaderMap::new()).await;
        increment(&mut session).await.unwrap();
        assert_eq!(arrive(&test, &bearer(&key_of(&session))).await.1.value().count, 1);
        assert_eq!(cookie_of(&session.headers()), CookieSeen::None);
    });
}

/// Signing out ends both sessions, and removes the cookie.
pub fn a_sign_out_with_a_bearer_token_and_a_cookie_ends_both(store: impl Store) {
    let test = with_both(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let token = key_of(&test.sessions.generate_bearer(Counter::of(2)).await.unwrap());
        let mut request = test.request(&key);
        request.extend(bearer(&token));
        let (_, mut session) = arrive(&test, &request).await;
        assert_eq!(session.value().count, 2);
        session.logout().await.unwrap();
        assert_eq!(cookie_of(&session.headers()), CookieSeen::Removed);
        assert!(!arrive(&test, &request).await.1.exists());
    });
}
