//! What a bounded store promises beyond the contract.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::key::{Key, KindTag, Secret};
use crate::lifetime::Lifetime;
use crate::payload::Payload;
use crate::protocol;
use crate::record::EndReason;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn id(number: u64) -> SessionId {
    // Spread over the shards, as random ids are.
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(bytes)
}

fn record(size: usize, life: Duration, now: Timestamp) -> Record {
    let verifier = Key::new(id(0), Secret::from_bytes([1; 16])).verifier(KindTag::of(""));
    let payload = Payload::from_bytes(vec![7; size]);
    protocol::begin(verifier, Lifetime::absolute(life), None, payload, Revision::new(1, 1), now)
}

fn kept(size: usize) -> Record {
    record(size, Duration::from_mins(1), NOW)
}

fn ending() -> Ending {
    protocol::end(EndReason::Ended, NOW)
}

fn is_full<T>(result: Result<T, StoreError>) -> bool {
    result.is_err_and(|error| {
        error.kind() == StoreErrorKind::Full && error.outcome() == crate::Outcome::NotSent
    })
}

#[test]
fn at_the_bound_a_new_session_is_refused_and_no_live_one_is_lost() {
    let store = MemoryStore::bounded(3, usize::MAX);
    for number in 0..3 {
        assert_eq!(store.insert(id(number), kept(1)).wait().unwrap(), Inserted::Done);
    }
    assert!(is_full(store.insert(id(3), kept(1)).wait()));
    assert!((0..3).all(|number| store.get(id(number)).wait().unwrap().is_some()));
    assert!(store.get(id(3)).wait().unwrap().is_none());
    assert_eq!(store.len(), 3);
}

#[test]
fn at_the_bound_garbage_and_tombstones_make_room() {
    let store = MemoryStore::bounded(2, usize::MAX);
    let _ = store.insert(id(0), record(1, Duration::from_secs(1), NOW)).wait().unwrap();
    let _ = store.insert(id(1), kept(1)).wait().unwrap();
    assert!(is_full(store.insert(id(2), kept(1)).wait()));
    store.end(id(1), ending()).wait().unwrap();
    assert_eq!(store.insert(id(2), kept(1)).wait().unwrap(), Inserted::Done);
    let later = record(1, Duration::from_mins(1), NOW.after(Duration::from_secs(1)));
    assert_eq!(store.insert(id(3), later).wait().unwrap(), Inserted::Done);
    assert!(store.get(id(2)).wait().unwrap().is_some());
    assert_eq!(store.len(), 2);
}

#[test]
fn a_write_that_grows_past_the_bound_is_refused_and_changes_nothing() {
    for encoded in [false, true] {
        let store = MemoryStore::bounded(10, 2000);
        let store = if encoded { store.encoded() } else { store };
        let _ = store.insert(id(0), kept(100)).wait().unwrap();
        let before = store.bytes();
        assert!(is_full(store.replace(id(0), Revision::new(1, 1), kept(5000)).wait()));
        assert_eq!(store.bytes(), before);
        let Some(Stored::Live(record)) = store.get(id(0)).wait().unwrap() else { panic!("lost") };
        assert_eq!(record.payload().measure().unwrap(), 100);
        assert!(matches!(store.replace(id(0), Revision::new(1, 1), kept(50)).wait(), Ok(Swap::Done)));
        assert_eq!(before - store.bytes(), 50);
    }
}

#[test]
fn what_is_counted_is_given_back() {
    for encoded in [false, true] {
        let store = MemoryStore::new();
        let store = if encoded { store.encoded() } else { store };
        for number in 0..1000 {
            let _ = store.insert(id(number), kept(10)).wait().unwrap();
        }
        for number in 0..500 {
            store.end(id(number), ending()).wait().unwrap();
        }
        assert_eq!(store.len(), 1000);
        assert_eq!(store.sweep(Timestamp::NEVER, 10_000).wait().unwrap(), 1000);
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }
}

#[test]
fn inserting_frees_what_expired_bit_by_bit() {
    let store = MemoryStore::new();
    for number in 0..10_000 {
        let _ = store.insert(id(number), record(1, Duration::from_secs(1), NOW)).wait().unwrap();
    }
    let later = NOW.after(Duration::from_secs(62));
    for number in 10_000..12_000 {
        let before = store.len();
        let _ = store.insert(id(number), record(1, Duration::from_mins(1), later)).wait().unwrap();
        assert!(before + 1 - store.len() <= LOOK_OVER, "an insert did too much at once");
    }
    assert!(store.len() < 3000, "{} entries are still there", store.len());
    assert_eq!((10_000..12_000).filter(|n| store.get(id(*n)).wait().unwrap().is_some()).count(), 2000);
}

#[test]
fn the_bound_holds_while_eight_threads_push_against_it() {
    let store = Arc::new(MemoryStore::bounded(100, usize::MAX));
    let inserted: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || {
                    (0..200)
                        .filter(|n| {
                            let inserted = store.insert(id(thread * 1000 + n), kept(1)).wait();
                            assert!(store.len() <= 100);
                            matches!(inserted, Ok(Inserted::Done))
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((inserted, store.len()), (100, 100));
}

#[test]
fn a_session_that_was_admitted_and_never_came_is_forgotten_in_time() {
    let store = MemoryStore::new();
    let alice = Principal::new("alice").unwrap();
    let until = NOW.after(Duration::from_mins(1));
    store.admit(Admission::new(alice.clone(), id(1), until)).wait().unwrap();
    assert_eq!(store.ids_of(&alice, Page::first(10)).wait().unwrap(), [id(1)]);
    store.sweep(until, 1).wait().unwrap();
    assert!(store.ids_of(&alice, Page::first(10)).wait().unwrap().is_empty());
}

#[test]
fn a_debug_text_counts_and_shows_nothing() {
    let store = MemoryStore::new();
    let _ = store.insert(id(1), kept(1)).wait().unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { entries: 1, bytes: 513 }");
}
