//! `touch`: a new idle deadline.

use std::thread;
use std::time::Duration;

use cloakroom::record::Revision;
use cloakroom::store::Swap;
use cloakroom::{Store, Timestamp};

use super::{
    IDLE, NOW, RACERS, assert_same, barrier, end, ending, get, id, insert, live, record, tombstone,
};

fn later() -> Timestamp {
    NOW.after(IDLE + Duration::from_millis(1))
}

/// Payload and revision stay, so a writer that read before the touch still wins.
pub fn a_touch_moves_the_idle_deadline_and_nothing_else(store: impl Store) {
    insert(&store, id(1), &record(1));
    assert!(store.touch(id(1), record(1).revision(), later()).wait().unwrap());
    assert_same(&live(&store, id(1)), &record(1).with_idle_deadline(later()));
    let answer = store.replace(id(1), &record(1), record(2), NOW).wait().unwrap();
    assert!(matches!(answer, Swap::Done), "expected `Done`, found {answer:?}");
}

/// Both count and token must match.
pub fn a_touch_that_expects_another_revision_does_nothing(store: impl Store) {
    let ours = record(5);
    insert(&store, id(1), &ours);
    let (count, token) = (ours.revision().count(), ours.revision().token());
    for expected in [
        Revision::new(count - 1, token),
        Revision::new(count + 1, token),
        Revision::new(count, token ^ 1),
    ] {
        assert!(!store.touch(id(1), expected, later()).wait().unwrap());
        assert_same(&live(&store, id(1)), &ours);
    }
}

/// An absent session is `false`.
pub fn a_touch_never_creates(store: impl Store) {
    assert!(!store.touch(id(1), record(1).revision(), later()).wait().unwrap());
    assert!(get(&store, id(1)).is_none());
}

/// An ended session is `false` and stays ended, and its tombstone is kept no longer.
pub fn a_touch_never_revives(store: impl Store) {
    insert(&store, id(1), &record(1));
    end(&store, id(1));
    let long = ending().keep_until().after(IDLE);
    assert!(!store.touch(id(1), record(1).revision(), long).wait().unwrap());
    assert_eq!(tombstone(&store, id(1)).ending(), ending());
}

/// The touch of a slow request can arrive after that of a faster one.
pub fn a_touch_never_moves_a_deadline_back(store: impl Store) {
    insert(&store, id(1), &record(1));
    for deadline in [NOW, Timestamp::EPOCH] {
        store.touch(id(1), record(1).revision(), deadline).wait().unwrap();
        assert_same(&live(&store, id(1)), &record(1));
    }
}

/// However touches race with a writer, the last record keeps its own value.
pub fn a_touch_in_flight_never_undoes_a_write(store: impl Store) {
    const WRITES: u64 = 16;
    insert(&store, id(1), &record(1));
    let barrier = barrier(1);
    thread::scope(|scope| {
        for _ in 0..RACERS {
            scope.spawn(|| {
                barrier.wait();
                for mark in 1..=WRITES {
                    store.touch(id(1), record(mark).revision(), later()).wait().unwrap();
                }
            });
        }
        barrier.wait();
        for mark in 1..WRITES {
            let answer = store.replace(id(1), &record(mark), record(mark + 1), NOW).wait().unwrap();
            assert!(matches!(answer, Swap::Done), "a touch is not a write, but got {answer:?}");
        }
    });
    let left = live(&store, id(1)).with_idle_deadline(record(WRITES).idle_deadline());
    assert_same(&left, &record(WRITES));
}
