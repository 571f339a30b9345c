//! What a bounded store guarantees in addition to the contract.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::key::{Key, KindTag, Secret};
use crate::policy::{Lifetime, Principal};
use crate::protocol;
use crate::record::{EndReason, Ending};
use crate::store::{Ended, Outcome, Store};
use crate::value::{Coding, JsonCodec, Payload, TypedValue};

mod bounds;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn id(number: u64) -> PublicId {
    // Spread over the shards, as random ids are.
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    PublicId::from_bytes(bytes)
}

fn record(size: usize, life: Duration, now: Timestamp) -> Record {
    let kind = KindTag::DEFAULT;
    let verifier = Key::new(id(0), Secret::from_bytes([1; 16])).verifier(kind);
    let (life, payload) = (Lifetime::absolute(life), Payload::from_bytes(vec![7; size]));
    protocol::begin(kind, verifier, life, None, payload, Revision::new(1, 1), now)
}

fn record_of(size: usize) -> Record {
    record(size, Duration::from_secs(60), NOW)
}

/// A record whose revision has this count and token.
fn seen(number: u64) -> Record {
    record_of(0).edited(|fields| fields.revision = Revision::new(number, number))
}

fn ending() -> Ending {
    protocol::end(EndReason::Ended, NOW)
}

/// Inserts a session to which a client comes back.
fn insert_visited(store: &MemoryStore, id: PublicId, record: Record) {
    assert_eq!(store.insert(id, record).wait().unwrap(), Inserted::Done);
    assert!(store.get(id).wait().unwrap().is_some());
}

fn is_full<T>(result: Result<T, StoreError>) -> bool {
    result.is_err_and(|error| {
        error.kind() == StoreErrorKind::Full && error.outcome() == Outcome::NotSent
    })
}

#[test]
fn a_full_store_refuses_a_new_session_and_loses_no_live_one() {
    let store = MemoryStore::bounded(3, usize::MAX);
    for number in 0..3 {
        insert_visited(&store, id(number), record_of(1));
    }
    assert!(is_full(store.insert(id(3), record_of(1)).wait()));
    assert!((0..3).all(|number| store.get(id(number)).wait().unwrap().is_some()));
    assert!(store.get(id(3)).wait().unwrap().is_none());
    assert_eq!(store.len(), 3);
}

#[test]
fn a_full_store_removes_garbage_and_tombstones_to_make_room() {
    let store = MemoryStore::bounded(2, usize::MAX);
    insert_visited(&store, id(0), record(1, Duration::from_secs(1), NOW));
    insert_visited(&store, id(1), record_of(1));
    assert!(is_full(store.insert(id(2), record_of(1)).wait()));
    store.end(id(1), ending()).wait().unwrap();
    assert_eq!(store.insert(id(2), record_of(1)).wait().unwrap(), Inserted::Done);
    let later = record(1, Duration::from_secs(60), NOW.after(Duration::from_secs(1)));
    assert_eq!(store.insert(id(3), later).wait().unwrap(), Inserted::Done);
    assert!(store.get(id(2)).wait().unwrap().is_some());
    assert_eq!(store.len(), 2);
}

#[test]
fn garbage_is_found_wherever_the_last_check_ended() {
    for checked in 0..12 {
        let store = MemoryStore::bounded(11, usize::MAX);
        // All in one shard, of which the sixth has expired.
        for number in 0..11_u8 {
            let life = Duration::from_secs(if number == 5 { 1 } else { 600 });
            let _ = store
                .insert(
                    PublicId::from_bytes([0, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
                    record(1, life, NOW),
                )
                .wait()
                .unwrap();
        }
        store.shard(PublicId::from_bytes([0; 16])).check(checked, |_| false);
        let late = record(1, Duration::from_secs(60), NOW.after(Duration::from_secs(5 * 60)));
        assert_eq!(
            store.insert(PublicId::from_bytes([0xFF; 16]), late).wait().unwrap(),
            Inserted::Done
        );
    }
}

#[test]
fn a_write_that_grows_past_the_limit_is_refused_and_changes_nothing() {
    for encoded in [false, true] {
        let store = MemoryStore::bounded(10, 2000);
        let store = if encoded { store.with_encoded_values() } else { store };
        let _ = store.insert(id(0), record_of(100)).wait().unwrap();
        let before = store.bytes();
        assert!(is_full(store.replace(id(0), &seen(1), record_of(5000), NOW).wait()));
        assert_eq!(store.bytes(), before);
        let Some(Stored::Live(record)) = store.get(id(0)).wait().unwrap() else { panic!("lost") };
        assert_eq!(record.payload().memory().unwrap(), 100);
        assert!(matches!(
            store.replace(id(0), &seen(1), record_of(50), NOW).wait(),
            Ok(Swap::Done)
        ));
        assert_eq!(before - store.bytes(), 50);
    }
}

#[test]
fn everything_that_is_counted_is_released() {
    for encoded in [false, true] {
        let store = MemoryStore::new();
        let store = if encoded { store.with_encoded_values() } else { store };
        for number in 0..1000 {
            let _ = store.insert(id(number), record_of(10)).wait().unwrap();
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
fn inserts_remove_expired_entries_a_few_at_a_time() {
    let store = MemoryStore::new();
    for number in 0..10_000 {
        let _ = store.insert(id(number), record(1, Duration::from_secs(1), NOW)).wait().unwrap();
    }
    let later = NOW.after(Duration::from_secs(62));
    for number in 10_000..12_000 {
        let before = store.len();
        let _ = store.insert(id(number), record(1, Duration::from_secs(60), later)).wait().unwrap();
        assert!(
            before + 1 - store.len() <= CHECKED_PER_INSERT,
            "an insert removed too many at once"
        );
    }
    assert!(store.len() < 3000, "{} entries are still there", store.len());
    assert_eq!(
        (10_000..12_000).filter(|n| store.get(id(*n)).wait().unwrap().is_some()).count(),
        2000
    );
}

#[test]
fn the_limits_hold_while_eight_threads_exceed_them() {
    let bytes = 60 * (512 + 100);
    let store = MemoryStore::bounded(100, bytes);
    let live: usize = thread::scope(|scope| {
        let push = |thread: u64| {
            let store = &store;
            move || {
                let mut live = 0;
                for n in (0..300).map(|n| id(thread * 1000 + n)) {
                    let inserted = store.insert(n, record_of(50)).wait();
                    assert!(store.len() <= 100 && store.bytes() <= bytes);
                    if !matches!(inserted, Ok(Inserted::Done)) {
                        continue;
                    }
                    // Another thread may have made room with it before its client comes back.
                    if store.get(n).wait().unwrap().is_none() {
                        continue;
                    }
                    let swap = store.replace(n, &seen(1), record_of(100), NOW).wait();
                    assert!(store.bytes() <= bytes);
                    assert!(swap.map_or_else(
                        |error| is_full(Err::<(), _>(error)),
                        |swap| matches!(swap, Swap::Done)
                    ));
                    if n.as_bytes()[15] % 2 == 0 {
                        assert_eq!(store.end(n, ending()).wait().unwrap(), Ended::Now);
                    } else {
                        live += 1;
                    }
                }
                live
            }
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(push(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let entries = store.scan(None, 1000).wait().unwrap().entries;
    let found = entries.iter().filter(|(_, stored)| matches!(stored, Stored::Live(_))).count();
    assert!(live > 50, "too few sessions were accepted");
    assert_eq!((found, entries.len()), (live, store.len()), "an acknowledged session was lost");
    assert_eq!(store.sweep(Timestamp::NEVER, 1000).wait().unwrap(), entries.len());
    assert_eq!((store.len(), store.bytes()), (0, 0));
}

#[test]
fn a_lost_race_is_reported_even_if_the_store_is_full() {
    let store = MemoryStore::bounded(10, 512 + 100);
    let _ = store.insert(id(0), record_of(100)).wait().unwrap();
    let late = store.replace(id(0), &seen(9), record_of(5000), NOW).wait();
    assert!(matches!(late, Ok(Swap::Stale(_))));
    let absent = store.replace(id(1), &seen(1), record_of(5000), NOW).wait();
    assert!(matches!(absent, Ok(Swap::Gone)));
    assert_eq!(store.bytes(), 512 + 100);
}

#[test]
fn a_full_store_removes_tombstones_for_a_write_that_grows() {
    let bytes = 3 * (512 + 100);
    let store = MemoryStore::bounded(10, bytes);
    for number in 0..3 {
        let _ = store.insert(id(number), record_of(100)).wait().unwrap();
    }
    store.end(id(0), ending()).wait().unwrap();
    let swap = store.replace(id(1), &seen(1), record_of(700), NOW).wait();
    assert!(matches!(swap, Ok(Swap::Done)));
    assert_eq!((store.len(), store.bytes()), (2, (512 + 700) + (512 + 100)));
    assert!(store.get(id(0)).wait().unwrap().is_none());
}

#[test]
fn tombstones_are_kept_while_there_is_garbage_to_remove() {
    let store = MemoryStore::bounded(2, usize::MAX);
    for number in 0..2 {
        let _ = store.insert(id(number), record_of(1)).wait().unwrap();
    }
    store.end(id(0), ending()).wait().unwrap();
    let later = record(1, Duration::from_secs(60), NOW.after(Duration::from_secs(60)));
    let _ = store.insert(id(2), later).wait().unwrap();
    assert!(matches!(store.get(id(0)).wait().unwrap(), Some(Stored::Ended(_))));
    assert!(store.get(id(1)).wait().unwrap().is_none());
}

#[test]
fn a_clock_that_once_ran_ahead_ends_no_later_session() {
    let store = MemoryStore::bounded(1000, usize::MAX);
    store.sweep(Timestamp::NEVER, 1).wait().unwrap();
    for number in 0..1000 {
        insert_visited(&store, id(number), record_of(1));
    }
    assert!(is_full(store.insert(id(1000), record_of(1)).wait()));
    assert_eq!(store.len(), 1000);
}

#[test]
fn a_value_that_cannot_be_encoded_is_refused_in_either_form() {
    struct NotEncodable;
    impl serde::Serialize for NotEncodable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    impl<'de> serde::Deserialize<'de> for NotEncodable {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    for store in [MemoryStore::new(), MemoryStore::new().with_encoded_values()] {
        let _ = store.insert(id(0), record_of(1)).wait().unwrap();
        let coding = Coding::new(Arc::new(JsonCodec), 0, None, 1_000);
        let typed_value = TypedValue::new(NotEncodable, Arc::new(coding));
        let mut record = record_of(1);
        record = record.edited(|fields| fields.payload = Payload::typed(Arc::new(typed_value)));
        let errors = [
            store.insert(id(1), record.clone()).wait().unwrap_err(),
            store.replace(id(0), &seen(1), record, NOW).wait().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Encode, Outcome::NotSent));
        }
        assert_eq!(store.len(), 1);
    }
}

#[test]
fn sweeps_with_a_small_limit_reach_all_shards() {
    let store = MemoryStore::new();
    for number in 0..1000 {
        let life = Duration::from_secs(if number % 4 == 0 { 60 } else { 1 });
        let _ = store.insert(id(number), record(1, life, NOW)).wait().unwrap();
    }
    let now = NOW.after(Duration::from_secs(1));
    let (mut swept, mut sweeps) = (0, 0);
    loop {
        let count = store.sweep(now, 7).wait().unwrap();
        (swept, sweeps) = (swept + count, sweeps + 1);
        if count < 7 {
            break;
        }
    }
    assert_eq!((swept, sweeps), (750, 108));
    assert_eq!(store.sweep(now, 7).wait().unwrap(), 0);
    assert_eq!(store.len(), 250);
}

#[test]
fn a_scan_crosses_the_shards_in_order() {
    let store = MemoryStore::new();
    let mut ids: Vec<_> = (0..3000).map(id).collect();
    for id in &ids {
        let _ = store.insert(*id, record_of(1)).wait().unwrap();
    }
    ids.sort_unstable();
    let (mut from, mut seen) = (None, Vec::new());
    loop {
        let part = store.scan(from.as_ref(), 70).wait().unwrap();
        seen.extend(part.entries.iter().map(|(id, _)| *id));
        from = part.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

#[test]
fn a_full_store_indexes_no_session_that_it_could_not_store() {
    let store = MemoryStore::bounded(1, usize::MAX);
    let alice = Principal::new("alice").unwrap();
    let log_in = |number| {
        store
            .index_login(IndexLogin::new(
                alice.clone(),
                id(number),
                KindTag::DEFAULT,
                Timestamp::NEVER,
            ))
            .wait()
    };
    insert_visited(&store, id(0), record_of(1));
    assert!(is_full(log_in(1)));
    assert_eq!(log_in(0).unwrap(), Indexed::Done);
    assert_eq!(store.sessions_of(&alice, None, Page::first(10)).wait().unwrap(), [id(0)]);
}

#[test]
fn sign_ins_remove_expired_index_entries_a_few_at_a_time() {
    let store = MemoryStore::new();
    let alice = Principal::new("alice").unwrap();
    let log_in = |number, until| {
        let login = IndexLogin::new(alice.clone(), id(number), KindTag::DEFAULT, until);
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
    };
    for number in 0..1000 {
        log_in(number, NOW);
    }
    let _ = store
        .insert(id(0), record(1, Duration::from_secs(60), NOW.after(Duration::from_secs(60))))
        .wait();
    for number in 1000..1500 {
        log_in(number, Timestamp::NEVER);
    }
    let mut listed = store.sessions_of(&alice, None, Page::first(10_000)).wait().unwrap();
    let mut current: Vec<_> = (1000..1500).map(id).collect();
    listed.sort_unstable();
    current.sort_unstable();
    assert_eq!(listed, current);
}

#[test]
fn an_index_entry_without_a_session_is_removed_when_it_expires() {
    let store = MemoryStore::new();
    let alice = Principal::new("alice").unwrap();
    let until = NOW.after(Duration::from_secs(60));
    let login = IndexLogin::new(alice.clone(), id(1), KindTag::DEFAULT, until);
    assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
    assert_eq!(store.sessions_of(&alice, None, Page::first(10)).wait().unwrap(), [id(1)]);
    store.sweep(until, 1).wait().unwrap();
    assert!(store.sessions_of(&alice, None, Page::first(10)).wait().unwrap().is_empty());
}

#[test]
fn debug_output_shows_counts_and_no_data() {
    let store = MemoryStore::new();
    let _ = store.insert(id(1), record_of(1)).wait().unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { entries: 1, bytes: 513 }");
}
