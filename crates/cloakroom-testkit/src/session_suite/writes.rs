//! No acknowledged write is lost.

use std::thread;

use cloakroom::{Key, Store};

use super::{Counter, TestSessions, increment, key_of, open};
use crate::block_on;

/// Eight requests on eight threads, with eight updates each.
pub fn concurrent_updates_all_count(store: impl Store) {
    let test = TestSessions::new(store);
    let key =
        block_on(async { key_of(&test.sessions.generate(Counter::default()).await.unwrap()) });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                block_on(async {
                    let mut session = open(&test, &key).await;
                    for _ in 0..8 {
                        increment(&mut session).await.unwrap();
                    }
                });
            });
        }
    });
    assert_eq!(count(&test, &key), 64);
}

/// Two requests read one value; the slower writer sees the faster one's change.
pub fn an_update_that_lost_a_race_runs_again_on_the_new_value(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::default()).await.unwrap());
        let (mut fast, mut slow) = (open(&test, &key).await, open(&test, &key).await);
        fast.update(|counter| counter.notes.push("fast".into())).await.unwrap();
        let mut runs = 0;
        slow.update(|counter| {
            runs += 1;
            counter.notes.push("slow".into());
        })
        .await
        .unwrap();
        assert_eq!(runs, 2);
        assert_eq!(slow.value().notes, ["fast", "slow"]);
        assert_eq!(open(&test, &key).await.value().notes, ["fast", "slow"]);
    });
}

/// After `Ok` another request sees the value at once, and so does the handle.
pub fn what_an_update_returned_is_in_the_store(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(41)).await.unwrap();
        assert_eq!(increment(&mut session).await.unwrap(), 42);
        assert_eq!(session.value().count, 42);
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 42);
        session.set(Counter::of(7)).await.unwrap();
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 7);
    });
}

/// An equal value is unchanged: no write, no new revision.
pub fn an_unchanged_value_is_not_written(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut session = open(&test, &key).await;
        spy.reset();
        session.update(|counter| counter.count = 1).await.unwrap();
        session.set(Counter::of(1)).await.unwrap();
        assert_eq!(spy.calls().total(), 0);
        assert!(!session.is_modified());
    });
}

/// The closure's error comes back and the session is unchanged.
pub fn a_failing_update_writes_nothing(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let refused = session
            .try_update(|counter| {
                counter.count = 99;
                Err::<(), _>("sold out")
            })
            .await
            .unwrap();
        assert_eq!(refused, Err("sold out"));
        assert_eq!(session.value().count, 1);
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 1);
    });
}

/// A handle with an old value that extends the session does not bring the old value back.
pub fn extending_never_rewrites_the_value(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut old = open(&test, &key).await;
        open(&test, &key).await.set(Counter::of(2)).await.unwrap();
        old.extend(std::time::Duration::from_secs(10 * 60)).await.unwrap();
        assert_eq!(old.value().count, 2);
        assert_eq!(count_async(&test, &key_of(&old)).await, 2);
    });
}

/// Both handles write at once, and the session has both writes.
pub fn two_handles_of_one_request_begin_one_session(store: impl Store) {
    let test = TestSessions::new(store);
    let request_session = test.sessions.request_session();
    let request = http::HeaderMap::new();
    let (mut first, mut second) = block_on(async {
        (
            request_session.session(&request).await.unwrap(),
            request_session.session(&request).await.unwrap(),
        )
    });
    thread::scope(|scope| {
        scope.spawn(|| block_on(increment(&mut first)).unwrap());
        scope.spawn(|| block_on(increment(&mut second)).unwrap());
    });
    block_on(async {
        increment(&mut first).await.unwrap();
        increment(&mut second).await.unwrap();
        assert_eq!(first.id(), second.id());
        assert_eq!(second.value().count, 4);
        assert_eq!(count_async(&test, &key_of(&second)).await, 4);
    });
}

/// A second handle goes on from where the first one is.
pub fn handles_of_one_request_see_each_others_changes(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request_session = test.sessions.request_session();
        let mut first = request_session.session(&test.request(&key)).await.unwrap();
        let mut second = request_session.session(&test.request(&key)).await.unwrap();
        first.login(&super::alice()).await.unwrap();
        increment(&mut second).await.unwrap();
        assert_eq!(second.principal(), Some(&super::alice()));
        assert_eq!(key_of(&first), key_of(&second));
        let third = request_session.session(&test.request(&key)).await.unwrap();
        assert_eq!((third.value().count, key_of(&third)), (2, key_of(&first)));
    });
}

/// Removing a part of the value is a change like any other.
pub fn a_removed_entry_stays_removed(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let counter = Counter { count: 1, notes: vec!["user".into()] };
        let key = key_of(&test.sessions.generate(counter).await.unwrap());
        let mut session = open(&test, &key).await;
        assert_eq!(
            session.update(|counter| counter.notes.pop()).await.unwrap().as_deref(),
            Some("user")
        );
        assert!(session.is_modified());
        assert!(open(&test, &key).await.value().notes.is_empty());
    });
}

fn count(test: &TestSessions, key: &Key) -> u64 {
    block_on(count_async(test, key))
}

async fn count_async(test: &TestSessions, key: &Key) -> u64 {
    let session = open(test, key).await;
    assert!(session.exists());
    session.value().count
}
