//! Law 10: the fewest round trips.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cloakroom::Store;
use cloakroom::store::{Operation, Page};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, increment, key_of, open};
use crate::{SpyStore, StepStore, block_on};

/// Ignore 0, read 1, read and change 2, a new visitor's first write 1, a visitor who writes nothing 0.
pub fn round_trips_are_the_fewest_possible(store: impl Store) {
    let spy = SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    let calls = || {
        let total = spy.calls().total();
        spy.reset();
        total
    };
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request = test.request(&key);
        calls();

        let request_session = test.sessions.request_session();
        request_session.finish(&mut HeaderMap::new());
        assert_eq!(calls(), 0, "ignored");

        let mut session = test.sessions.request_session().session(&request).await.unwrap();
        assert_eq!((session.value().count, calls()), (1, 1), "read");

        increment(&mut session).await.unwrap();
        assert_eq!(calls(), 1, "changed after a read");
        increment(&mut session).await.unwrap();
        assert_eq!(calls(), 1, "changed again");

        let mut vacant = test.sessions.request_session().session(&HeaderMap::new()).await.unwrap();
        assert_eq!(vacant.update(|counter| counter.count).await.unwrap(), 0);
        vacant.logout().await.unwrap();
        assert_eq!(calls(), 0, "a visitor who writes nothing");

        let mut fresh = test.sessions.request_session().session(&HeaderMap::new()).await.unwrap();
        increment(&mut fresh).await.unwrap();
        assert_eq!(calls(), 1, "a new visitor's first write");

        let mut request = HeaderMap::new();
        request.insert("cookie", "__Host-id=garbage; __Host-id=".parse().unwrap());
        assert!(!test.sessions.request_session().session(&request).await.unwrap().exists());
        assert_eq!(calls(), 0, "what is no key is never looked up");

        session.login(&alice()).await.unwrap();
        assert_eq!(
            calls(),
            3,
            "signing in: the directory, the record, and the directory's word that nothing came between"
        );
        session.logout().await.unwrap();
        assert_eq!(calls(), 1, "signing out");
    });
}

/// However many sessions the principal has: one look into the directory, and one at each session shown.
pub fn a_page_of_a_long_list_costs_no_more_than_the_page(store: impl Store) {
    let spy = SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        for _ in 0..60 {
            test.sessions
                .request_session()
                .session(&HeaderMap::new())
                .await
                .unwrap()
                .login(&alice())
                .await
                .unwrap();
        }
        let mut page = Page::first(10);
        for _ in 0..6 {
            spy.reset();
            let listed = test.sessions.list(&alice(), page).await.unwrap();
            assert_eq!(listed.len(), 10);
            assert_eq!(
                (spy.calls().sessions_of, spy.calls().get, spy.calls().total()),
                (1, 10, 11)
            );
            page = page.after(listed[9].id());
        }
        assert_eq!(test.sessions.list(&alice(), page).await.unwrap().len(), 0);
    });
}

/// Garbage under our name is turned away at the door; a key that was made up costs one look and leaves no trace.
pub fn what_is_no_key_costs_nothing(store: impl Store) {
    let spy = SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        for value in ["", "garbage", "\"\"", "1", "' OR 1=1 --", "../../etc/passwd"] {
            let mut request = HeaderMap::new();
            request.insert("cookie", format!("__Host-id={value}").parse().unwrap());
            assert!(!test.sessions.request_session().session(&request).await.unwrap().exists());
        }
        assert_eq!(spy.calls().total(), 0);
        let made_up = cloakroom::Key::new(
            cloakroom::PublicId::from_bytes([5; 16]),
            cloakroom::key::Secret::from_bytes([6; 16]),
        );
        for _ in 0..3 {
            assert!(!open(&test, &made_up).await.exists());
        }
        assert_eq!((spy.calls().get, spy.calls().total()), (3, 3));
    });
}

/// Some frameworks poll all extractors of a handler together. One that is dropped on the way gives its turn to the next.
pub fn handles_that_are_asked_for_at_once_cost_one_read(store: impl Store) {
    let spy = SpyStore::new(store);
    let steps = StepStore::new(spy.clone());
    let test = TestSessions::new(steps.clone());
    let key = key_of(&block_on(test.sessions.generate(Counter::of(1))).unwrap());
    let request = test.request(&key);
    for is_dropped in [false, true] {
        spy.reset();
        let held = steps.hold(Operation::Get);
        let request_session = test.sessions.request_session();
        let mut first = Box::pin(request_session.session(&request));
        let mut second = Box::pin(request_session.session(&request));
        // The store halts the first before it is held, so that it takes some polling to get there.
        while !held.has_arrived() {
            assert!(poll(&mut first).is_none());
            assert!(poll(&mut second).is_none());
        }
        if is_dropped {
            drop(first);
        } else {
            held.release();
            assert_eq!(block_on(first).unwrap().value().count, 1);
        }
        assert_eq!(block_on(second).unwrap().value().count, 1);
        assert_eq!(spy.calls().get, 1);
    }
}

/// What a future answers at once.
fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
