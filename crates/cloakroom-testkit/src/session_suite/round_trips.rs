//! The fewest round trips.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cloakroom::Store;
use cloakroom::store::{Operation, Page};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, increment, key_of, open};
use crate::{SpyStore, StepStore, block_on};

/// 0 if the session is ignored, 1 to read, 2 to read and change, 1 for a new visitor's first write,
/// 0 for a new visitor who writes nothing.
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

        let mut new_visitor =
            test.sessions.request_session().session(&HeaderMap::new()).await.unwrap();
        assert_eq!(new_visitor.update(|counter| counter.count).await.unwrap(), 0);
        new_visitor.logout().await.unwrap();
        assert_eq!(calls(), 0, "a visitor who writes nothing");

        let mut new_visitor =
            test.sessions.request_session().session(&HeaderMap::new()).await.unwrap();
        increment(&mut new_visitor).await.unwrap();
        assert_eq!(calls(), 1, "a new visitor's first write");

        let mut request = HeaderMap::new();
        request.insert("cookie", "__Host-id=garbage; __Host-id=".parse().unwrap());
        assert!(!test.sessions.request_session().session(&request).await.unwrap().exists());
        assert_eq!(calls(), 0, "a value that is not a key");

        session.login(&alice()).await.unwrap();
        assert_eq!(calls(), 3, "signing in: the index, the record, and the index again");
        session.logout().await.unwrap();
        assert_eq!(calls(), 1, "signing out");
    });
}

/// However many sessions the principal has: one read of the index, and one of each session shown.
pub fn a_page_of_a_list_costs_one_read_per_entry(store: impl Store) {
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

/// A value that is not a key is never looked up. A made-up key costs one read and leaves no trace.
pub fn a_cookie_that_is_not_a_key_costs_nothing(store: impl Store) {
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

/// Some frameworks poll all extractors of a handler together. If the one that reads is dropped, the
/// next takes over.
pub fn handles_requested_at_once_share_one_read(store: impl Store) {
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
        // The store suspends once before the hold applies, so arriving takes several polls.
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

/// What the future returns at once.
fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
