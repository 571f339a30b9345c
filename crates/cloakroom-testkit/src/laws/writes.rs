//! Law 3: no acknowledged write is lost within a session.

use std::thread;

use cloakroom::{Key, Store};

use super::{Tally, World, increment, key_of, visit};
use crate::block_on;

/// Eight requests of one visitor, eight updates each, on eight threads: 64.
pub fn concurrent_updates_all_count(store: impl Store) {
    let world = World::new(store);
    let key = block_on(async { key_of(&world.sessions.generate(Tally::default()).await.unwrap()) });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                block_on(async {
                    let mut session = visit(&world, &key).await;
                    for _ in 0..8 {
                        increment(&mut session).await.unwrap();
                    }
                });
            });
        }
    });
    assert_eq!(count(&world, &key), 64);
}

/// Two requests read one value; the slower writer sees the faster one's.
pub fn an_update_that_lost_its_race_runs_again_on_the_fresh_value(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::default()).await.unwrap());
        let (mut fast, mut slow) = (visit(&world, &key).await, visit(&world, &key).await);
        fast.update(|tally| tally.notes.push("fast".into())).await.unwrap();
        let mut runs = 0;
        slow.update(|tally| {
            runs += 1;
            tally.notes.push("slow".into());
        })
        .await
        .unwrap();
        assert_eq!(runs, 2);
        assert_eq!(slow.value().notes, ["fast", "slow"]);
        assert_eq!(visit(&world, &key).await.value().notes, ["fast", "slow"]);
    });
}

/// `Ok` means stored: another request sees it at once, and the handle shows it too.
pub fn what_an_update_returned_is_in_the_store(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let mut session = world.sessions.generate(Tally::of(41)).await.unwrap();
        assert_eq!(increment(&mut session).await.unwrap(), 42);
        assert_eq!(session.value().count, 42);
        assert_eq!(visit(&world, &key_of(&session)).await.value().count, 42);
        session.set(Tally::of(7)).await.unwrap();
        assert_eq!(visit(&world, &key_of(&session)).await.value().count, 7);
    });
}

/// Equal is unchanged: no write, no new revision.
pub fn an_unchanged_value_is_not_written(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let world = World::new(spy.clone());
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        let mut session = visit(&world, &key).await;
        spy.reset();
        session.update(|tally| tally.count = 1).await.unwrap();
        session.set(Tally::of(1)).await.unwrap();
        assert_eq!(spy.calls().total(), 0);
        assert!(!session.is_modified());
    });
}

/// The closure's error comes back and the session stays as it was.
pub fn a_failing_update_writes_nothing(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let mut session = world.sessions.generate(Tally::of(1)).await.unwrap();
        let refused = session
            .try_update(|tally| {
                tally.count = 99;
                Err::<(), _>("sold out")
            })
            .await
            .unwrap();
        assert_eq!(refused, Err("sold out"));
        assert_eq!(session.value().count, 1);
        assert_eq!(visit(&world, &key_of(&session)).await.value().count, 1);
    });
}

/// A handle with an old value that only sets an expiry does not bring the old value back.
pub fn extending_never_rewrites_the_value(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        let mut old = visit(&world, &key).await;
        visit(&world, &key).await.set(Tally::of(2)).await.unwrap();
        old.extend(std::time::Duration::from_secs(10 * 60)).await.unwrap();
        assert_eq!(old.value().count, 2);
        assert_eq!(count_async(&world, &key_of(&old)).await, 2);
    });
}

/// Two handles of a visitor without a session write at once: one session with both writes.
pub fn two_handles_of_one_request_begin_one_session(store: impl Store) {
    let world = World::new(store);
    let visit = world.sessions.request_session();
    let request = http::HeaderMap::new();
    let (mut first, mut second) = block_on(async {
        (visit.session(&request).await.unwrap(), visit.session(&request).await.unwrap())
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
        assert_eq!(count_async(&world, &key_of(&second)).await, 4);
    });
}

/// Extracting a session twice is harmless: the second handle goes on where the first one is.
pub fn handles_of_one_request_see_each_others_changes(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        let visit = world.sessions.request_session();
        let mut first = visit.session(&world.request(&key)).await.unwrap();
        let mut second = visit.session(&world.request(&key)).await.unwrap();
        first.login(&super::alice()).await.unwrap();
        increment(&mut second).await.unwrap();
        assert_eq!(second.principal(), Some(&super::alice()));
        assert_eq!(key_of(&first), key_of(&second));
        let third = visit.session(&world.request(&key)).await.unwrap();
        assert_eq!((third.value().count, key_of(&third)), (2, key_of(&first)));
    });
}

/// Taking something out of a loaded session is a change like any other.
pub fn a_removed_entry_stays_removed(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let tally = Tally { count: 1, notes: vec!["user".into()] };
        let key = key_of(&world.sessions.generate(tally).await.unwrap());
        let mut session = visit(&world, &key).await;
        assert_eq!(
            session.update(|tally| tally.notes.pop()).await.unwrap().as_deref(),
            Some("user")
        );
        assert!(session.is_modified());
        assert!(visit(&world, &key).await.value().notes.is_empty());
    });
}

fn count(world: &World, key: &Key) -> u64 {
    block_on(count_async(world, key))
}

async fn count_async(world: &World, key: &Key) -> u64 {
    let session = visit(world, key).await;
    assert!(session.exists());
    session.value().count
}
