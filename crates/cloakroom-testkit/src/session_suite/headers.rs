//! `Set-Cookie`, `Vary` and `Cache-Control`.

use cloakroom::key::Secret;
use cloakroom::{ErrorKind, PublicId, Store};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, assert_kind, increment, key_of};
use crate::{CookieSeen, block_on, cookie_of};

/// Reading and writing leave the cookie alone, since sending the key again could overwrite a newer
/// one.
pub fn an_existing_key_is_never_sent_again(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&test.navigation(&key)).await.unwrap();
        increment(&mut session).await.unwrap();
        session.set(Counter::of(9)).await.unwrap();
        session.start().await.unwrap();
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        assert!(matches!(cookie_of(&response), CookieSeen::None));
        assert!(!response.contains_key("cache-control"));
    });
}

/// Also if there was no session. A response that did not ask for it has no `Vary`.
pub fn a_response_that_read_the_session_varies_on_the_cookie(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut response = HeaderMap::new();
        test.sessions.request_session().finish(&mut response);
        assert!(response.is_empty());
        let request_session = test.sessions.request_session();
        let session = request_session.session(&HeaderMap::new()).await.unwrap();
        assert!(!session.exists());
        response.insert("vary", "Accept".parse().unwrap());
        request_session.finish(&mut response);
        let vary: Vec<_> = response.get_all("vary").iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(vary.join(", ").to_lowercase(), "accept, cookie");
        assert!(!response.contains_key("set-cookie"));
    });
}

/// A response with a key must not be cached, whatever the handler said about caching.
pub fn a_key_is_sent_once_and_with_no_store(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        increment(&mut session).await.unwrap();
        session.login(&alice()).await.unwrap();
        let mut response = HeaderMap::new();
        response.insert("cache-control", "public, max-age=600".parse().unwrap());
        response.append("set-cookie", "theme=dark".parse().unwrap());
        request_session.finish(&mut response);
        request_session.finish(&mut response);
        assert_eq!(response["cache-control"], "no-store");
        assert_eq!(response.get_all("cache-control").iter().count(), 1);
        let cookies: Vec<_> = response.get_all("set-cookie").iter().collect();
        assert_eq!(cookies.len(), 2, "the other cookie and one key");
        let CookieSeen::Set { key, .. } = cookie_of(&response) else { panic!("no key was sent") };
        assert_eq!(key, key_of(&session));
        assert!(cookies.iter().any(|cookie| cookie.is_sensitive()));
    });
}

/// The late response to a background request must not remove a newer cookie.
pub fn a_stale_key_is_removed_on_a_navigation_only(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let dead = cloakroom::Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([9; 16]));
        for (request, removed) in [(test.request(&dead), false), (test.navigation(&dead), true)] {
            let request_session = test.sessions.request_session();
            assert!(!request_session.session(&request).await.unwrap().exists());
            let mut response = HeaderMap::new();
            request_session.finish(&mut response);
            assert_eq!(matches!(cookie_of(&response), CookieSeen::Removed), removed);
        }
        assert!(matches!(cookie_of(&test.sessions.clear_headers()), CookieSeen::Removed));
    });
}

/// A streaming handler can go on changing values. What needs a new key is refused before the store
/// is asked.
pub fn no_key_is_minted_after_the_response_head(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&test.request(&key)).await.unwrap();
        request_session.finish(&mut HeaderMap::new());
        spy.reset();
        assert_kind(session.login(&alice()).await, ErrorKind::HeadersSent);
        assert_kind(session.renew().await, ErrorKind::HeadersSent);
        assert_eq!(spy.calls().total(), 0);
        assert_eq!(increment(&mut session).await.unwrap(), 2);
        let request_session = test.sessions.request_session();
        let mut empty = request_session.session(&HeaderMap::new()).await.unwrap();
        request_session.finish(&mut HeaderMap::new());
        spy.reset();
        assert_kind(increment(&mut empty).await, ErrorKind::HeadersSent);
        assert_kind(empty.start().await, ErrorKind::HeadersSent);
        assert_eq!(spy.calls().total(), 0);
    });
}
