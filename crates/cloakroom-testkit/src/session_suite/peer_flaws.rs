//! Flaws found in other session libraries that no other test covers.
//!
//! `docs/peers-flaws.md` lists them all.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use cloakroom::key::Secret;
use cloakroom::{CookiePolicy, Key, PublicId, Sessions, Store, Transport};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, assert_opens_nothing, increment, key_of, open};
use crate::{StepStore, block_on};

/// Whatever is done first under a planted key, the session has a key minted here.
pub fn no_operation_adopts_a_key_chosen_by_the_client(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let planted = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([9; 16]));
        for first in 0..4 {
            let mut session = open(&test, &planted).await;
            match first {
                0 => session.logout().await.unwrap(),
                1 => session.set(Counter::of(1)).await.unwrap(),
                2 => session.start().await.unwrap(),
                _ => session.login(&alice()).await.unwrap(),
            }
            session.login(&alice()).await.unwrap();
            assert_ne!(session.id(), Some(planted.id()));
            assert!(!open(&test, &planted).await.exists());
        }
    });
}

/// The response removes the cookie, and the write is not made again.
pub fn a_write_before_the_end_in_one_request_does_not_come_back(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request = test.sessions.request_session();
        let mut session = request.session(&test.request(&key)).await.unwrap();
        increment(&mut session).await.unwrap();
        session.end().await.unwrap();
        let mut response = HeaderMap::new();
        request.finish(&mut response);
        assert!(matches!(crate::cookie_of(&response), crate::CookieSeen::Removed));
        assert_opens_nothing(&test, &key).await;
    });
}

/// A request that was dropped half-way leaves nothing that keeps the session alive.
pub fn a_cancelled_request_never_blocks_a_logout(store: impl Store) {
    let test = TestSessions::new(StepStore::new(store));
    for polls in 0..6 {
        let key =
            block_on(async { key_of(&test.sessions.generate(Counter::of(1)).await.unwrap()) });
        {
            let mut session = block_on(open(&test, &key));
            let mut update = pin!(increment(&mut session));
            for _ in 0..polls {
                if update.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
        }
        block_on(async {
            open(&test, &key).await.logout().await.unwrap();
            assert_opens_nothing(&test, &key).await;
        });
    }
}

/// No node keeps a copy that outlives the session.
pub fn a_logout_on_one_node_is_seen_by_the_other_at_once(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let test = TestSessions::new(Arc::clone(&store));
    let other: Sessions<Counter> =
        Sessions::builder(store).clock(test.clock.clone()).build().unwrap();
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        assert_eq!(other.of_key(&key).await.unwrap().value().count, 1);
        let mut in_flight = other.of_key(&key).await.unwrap();
        open(&test, &key).await.logout().await.unwrap();
        assert!(other.of_key(&key).await.is_err());
        assert!(increment(&mut in_flight).await.is_err());
    });
}

/// A name prefix that is written but not read would begin a new session in every request.
pub fn a_cookie_is_read_under_the_name_it_was_set_under(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    for policy in [
        CookiePolicy::default(),
        CookiePolicy::host("shop"),
        CookiePolicy::secure("shop").with_path("/app").with_domain("example.com"),
        CookiePolicy::for_plain_http("shop"),
    ] {
        let sessions: Sessions<Counter> = Sessions::builder(Arc::clone(&store))
            .transport(Transport::cookie(policy))
            .build()
            .unwrap();
        block_on(async {
            let session = sessions.generate(Counter::of(7)).await.unwrap();
            let (_, set) = session.headers().iter().find(|(name, _)| name == "set-cookie").unwrap();
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut request = HeaderMap::new();
            request.insert("cookie", pair.parse().unwrap());
            assert_eq!(sessions.of_headers(&request).await.unwrap().unwrap().value().count, 7);
        });
    }
}
