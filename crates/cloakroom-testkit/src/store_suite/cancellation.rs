//! Cancellation: an operation whose caller has gone happens whole or not at all. And health.

use std::pin::pin;
use std::task::{Context, Waker};

use cloakroom::record::Stored;
use cloakroom::store::{Ended, Inserted, Swap};
use cloakroom::{Io, Store};

use super::{IDLE, NOW, assert_same, bytes, ending, get, id, insert, live, record};

/// How often an operation is polled, at most, before its caller goes.
const POLLS: u8 = 6;

/// Polls at most `polls` times, then drops.
fn dropped<T>(operation: Io<'_, T>, polls: u8) {
    let mut operation = pin!(operation);
    for _ in 0..polls {
        if operation.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
    }
}

/// The record is there, as it was given, or is not.
pub fn a_dropped_insert_happens_whole_or_not_at_all(store: impl Store) {
    for polls in 0..POLLS {
        let id = id(polls);
        dropped(store.insert(id, record(1)), polls);
        if let Some(found) = get(&store, id) {
            assert_same(&expect_live(found), &record(1));
        }
        // Whatever became of it, the id can be settled by asking again.
        let (Inserted::Done | Inserted::Taken) = store.insert(id, record(1)).wait().unwrap();
        assert_same(&live(&store, id), &record(1));
    }
}

/// The old record stands, or the new one.
pub fn a_dropped_replace_happens_whole_or_not_at_all(store: impl Store) {
    for polls in 0..POLLS {
        let id = id(polls);
        insert(&store, id, &record(1));
        dropped(store.replace(id, record(1).revision(), record(2)), polls);
        assert_one_of(&live(&store, id), [1, 2]);
        match store.replace(id, record(1).revision(), record(3)).wait().unwrap() {
            Swap::Done => assert_same(&live(&store, id), &record(3)),
            Swap::Stale(current) => assert_same(&current, &record(2)),
            Swap::Gone => panic!("the session lives"),
        }
    }
}

/// The deadline moved, or did not; the rest is as it was.
pub fn a_dropped_touch_happens_whole_or_not_at_all(store: impl Store) {
    let deadline = NOW.after(IDLE + IDLE);
    for polls in 0..POLLS {
        let id = id(polls);
        insert(&store, id, &record(1));
        dropped(store.touch(id, record(1).revision(), deadline), polls);
        let found = live(&store, id);
        if found.idle_deadline() == deadline {
            assert_same(&found, &record(1).with_idle_deadline(deadline));
        } else {
            assert_same(&found, &record(1));
        }
    }
}

/// The session is as it was, or ended; ending it again settles it.
pub fn a_dropped_end_happens_whole_or_not_at_all(store: impl Store) {
    for polls in 0..POLLS {
        let id = id(polls);
        insert(&store, id, &record(1));
        dropped(store.end(id, ending()), polls);
        match get(&store, id) {
            Some(Stored::Live(found)) => assert_same(&found, &record(1)),
            Some(Stored::Ended(tombstone)) => assert_eq!(tombstone.ending(), ending()),
            None => panic!("the session vanished"),
        }
        assert_ne!(store.end(id, ending()).wait().unwrap(), Ended::Absent);
        assert!(matches!(get(&store, id), Some(Stored::Ended(_))));
    }
}

/// Also after all that others did to it.
pub fn a_store_that_works_is_healthy(store: impl Store) {
    store.health().wait().expect("a store that works is healthy");
    insert(&store, id(1), &record(1));
    store.health().wait().expect("a store that works is healthy");
}

fn expect_live(stored: Stored) -> cloakroom::record::Record {
    match stored {
        Stored::Live(record) => record,
        Stored::Ended(tombstone) => panic!("nobody ended it: {tombstone:?}"),
    }
}

fn assert_one_of(found: &cloakroom::record::Record, marks: [u64; 2]) {
    let whole = marks.iter().any(|mark| bytes(found) == bytes(&record(*mark)));
    assert!(whole, "half a write: {found:?}");
}
