//! A file that is full: what was answered stays, what is refused did not happen, and room comes back.

use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::{Outcome, StoreErrorKind, Swap};
use cloakroom::{Store, Timestamp, protocol};
use cloakroom_sqlite::SqliteStore;

use crate::place::{IDLE, NOW, Place, id, insert, record, size};

/// Fills a store; how many sessions it took.
fn fill(store: &SqliteStore, now: Timestamp) -> u32 {
    for n in 0..10_000 {
        if let Err(refused) = insert(store, n, record(now, 1_000)) {
            assert_eq!(
                (refused.kind(), refused.outcome()),
                (StoreErrorKind::Full, Outcome::NotSent),
                "{n}"
            );
            return n;
        }
    }
    panic!("the bound holds nothing back");
}

#[test]
fn at_its_bound_a_file_refuses_what_is_new_and_keeps_what_it_has() {
    let place = Place::new();
    let store = SqliteStore::builder(place.path()).bounded(400_000).open().unwrap();
    let count = fill(&store, NOW);
    assert!((100..400).contains(&count), "{count}");
    assert!((0..count).all(|n| size(&store, n) == Some(1_000)));
    assert_eq!(size(&store, count), None);

    let grown =
        store.replace(id(0), record(NOW, 0).revision(), record(NOW, 50_000)).wait().unwrap_err();
    assert_eq!((grown.kind(), grown.outcome()), (StoreErrorKind::Full, Outcome::NotSent));
    assert_eq!(size(&store, 0), Some(1_000));
    let same = store.replace(id(0), record(NOW, 0).revision(), record(NOW, 900)).wait().unwrap();
    assert!(matches!(same, Swap::Done), "who is inside can go on");
    store.end(id(1), protocol::end(EndReason::SignedOut, NOW)).wait().unwrap();
    assert_eq!(size(&store, 1), None);
}

#[test]
fn of_a_batch_that_does_not_fit_the_rest_is_written() {
    let place = Place::new();
    let store = SqliteStore::builder(place.path())
        .bounded(400_000)
        .timeout(Duration::from_secs(60))
        .open()
        .unwrap();
    // While another holds the lock they all queue up, to become few batches.
    let other = place.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked: Vec<_> = (0..20)
        .map(|n| store.insert(id(n), record(NOW, if n == 10 { 1_000_000 } else { 1_000 })))
        .collect();
    other.execute_batch("COMMIT").unwrap();
    for (n, answer) in (0..).zip(asked) {
        match answer.wait() {
            Err(refused) => assert_eq!((n, refused.kind()), (10, StoreErrorKind::Full)),
            Ok(_) => assert_eq!(size(&store, n), Some(1_000)),
        }
    }
    assert_eq!(size(&store, 10), None);
}

#[test]
fn what_expired_makes_room_in_a_file_that_is_full() {
    let place = Place::new();
    let store = SqliteStore::builder(place.path()).bounded(400_000).open().unwrap();
    fill(&store, NOW);
    let later = NOW.after(IDLE * 3);
    for n in 20_000..20_100 {
        insert(&store, n, record(later, 1_000)).unwrap();
    }
    insert(&store, 30_000, record(later, 150_000)).unwrap();
    assert_eq!(size(&store, 30_000), Some(150_000));
}
