//! Cancellation, and `health`.
//!
//! An operation whose caller has dropped it is atomic.

use std::pin::pin;
use std::task::{Context, Waker};

use cloakroom::record::Stored;
use cloakroom::store::{Ended, Inserted, Swap};
use cloakroom::{Io, Store};

use super::{IDLE, NOW, assert_same, bytes, ending, get, id, insert, live, record};

/// Each operation is dropped after 0, 1, .. polls, fewer than this.
const POLLS: u8 = 6;

/// Polls an operation at most `polls` times, then drops it.
fn poll_then_drop<T>(operation: Io<'_, T>, polls: u8) {
    let mut operation = pin!(operation);
    for _ in 0..polls {
        if operation.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
    }
}

/// The record is there as it was given, or it is not there.
pub fn a_dropped_insert_is_atomic(store: impl Store) {
    for polls in 0..POLLS {
        let id = id(polls);
        poll_then_drop(store.insert(id, record(1)), polls);
        if let Some(found) = get(&store, id) {
            assert_same(&expect_live(found), &record(1));
        }
        // Whether it happened or not, inserting again leaves the id with the record.
        let (Inserted::Done | Inserted::Taken) = store.insert(id, record(1)).wait().unwrap();
        assert_same(&live(&store, id), &record(1));
    }
}

/// The entry is the old record or the new one.
pub fn a_dropped_replace_is_atomic(store: impl Store) {
    for polls in 0..POLLS {
        let id = id(polls);
        insert(&store, id, &record(1));
        poll_then_drop(store.replace(id, &record(1), record(2), NOW), polls);
        assert_one_of(&live(&store, id), [1, 2]);
        match store.replace(id, &record(1), record(3), NOW).wait().unwrap() {
            Swap::Done => assert_same(&live(&store, id), &record(3)),
            Swap::Stale(current) => assert_same(&current, &record(2)),
            Swap::Gone => panic!("the session lives"),
        }
    }
}

/// The deadline moved or it did not; everything else is unchanged.
pub fn a_dropped_touch_is_atomic(store: impl Store) {
    let deadline = NOW.after(IDLE + IDLE);
    for polls in 0..POLLS {
        let id = id(polls);
        insert(&store, id, &record(1));
        poll_then_drop(store.touch(id, record(1).revision(), deadline), polls);
        let found = live(&store, id);
        if found.idle_deadline() == deadline {
            assert_same(&found, &record(1).with_idle_deadline(deadline));
        } else {
            assert_same(&found, &record(1));
        }
    }
}

/// The session is unchanged or ended. Ending it again settles which.
pub fn a_dropped_end_is_atomic(store: impl Store) {
    for polls in 0..POLLS {
        let id = id(polls);
        insert(&store, id, &record(1));
        poll_then_drop(store.end(id, ending()), polls);
        match get(&store, id) {
            Some(Stored::Live(found)) => assert_same(&found, &record(1)),
            Some(Stored::Ended(tombstone)) => assert_eq!(tombstone.ending(), ending()),
            None => panic!("the session vanished"),
        }
        assert_ne!(store.end(id, ending()).wait().unwrap(), Ended::Absent);
        assert!(matches!(get(&store, id), Some(Stored::Ended(_))));
    }
}

/// Also after other operations.
pub fn a_store_that_works_is_healthy(store: impl Store) {
    store.health().wait().expect("a store that works is healthy");
    insert(&store, id(1), &record(1));
    store.health().wait().expect("a store that works is healthy");
}

fn expect_live(stored: Stored) -> cloakroom::record::Record {
    match stored {
        Stored::Live(record) => record,
        Stored::Ended(tombstone) => panic!("expected a live session, found {tombstone:?}"),
    }
}

fn assert_one_of(found: &cloakroom::record::Record, marks: [u64; 2]) {
    let whole = marks.iter().any(|mark| bytes(found) == bytes(&record(*mark)));
    assert!(whole, "half a write: {found:?}");
}
