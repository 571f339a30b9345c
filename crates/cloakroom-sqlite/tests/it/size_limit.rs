//! A file at its size limit: nothing acknowledged is lost, and expired sessions make room again.

use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::record::EndReason;
use cloakroom::store::{IndexLogin, Indexed, Outcome, StoreErrorKind, Swap};
use cloakroom::{Principal, Store, Timestamp, protocol};
use cloakroom_sqlite::SqliteStore;

use crate::fixture::{IDLE, NOW, TestFile, id, insert, record, size};

/// Fills the store and returns how many sessions fit.
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
    panic!("the size limit has no effect");
}

#[test]
fn a_full_file_refuses_new_sessions_and_keeps_the_ones_it_has() {
    let file = TestFile::new();
    let store = SqliteStore::builder(file.path()).max_bytes(400_000).open().unwrap();
    let count = fill(&store, NOW);
    assert!((100..400).contains(&count), "{count}");
    assert!((0..count).all(|n| size(&store, n) == Some(1_000)));
    assert_eq!(size(&store, count), None);

    let grown = store.replace(id(0), &record(NOW, 0), record(NOW, 50_000), NOW).wait().unwrap_err();
    assert_eq!((grown.kind(), grown.outcome()), (StoreErrorKind::Full, Outcome::NotSent));
    assert_eq!(size(&store, 0), Some(1_000));
    let same = store.replace(id(0), &record(NOW, 0), record(NOW, 900), NOW).wait().unwrap();
    assert!(matches!(same, Swap::Done), "an existing session can still be written");
    store.end(id(1), protocol::end(EndReason::SignedOut, NOW)).wait().unwrap();
    assert_eq!(size(&store, 1), None);
}

#[test]
fn one_operation_that_does_not_fit_does_not_fail_the_rest_of_its_batch() {
    let file = TestFile::new();
    let store = SqliteStore::builder(file.path())
        .max_bytes(400_000)
        .timeout(Duration::from_secs(60))
        .open()
        .unwrap();
    // While another connection holds the lock, the writes queue up and form few batches.
    let other = file.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let inserts: Vec<_> = (0..20)
        .map(|n| store.insert(id(n), record(NOW, if n == 10 { 1_000_000 } else { 1_000 })))
        .collect();
    other.execute_batch("COMMIT").unwrap();
    for (n, answer) in (0..).zip(inserts) {
        match answer.wait() {
            Err(refused) => assert_eq!((n, refused.kind()), (10, StoreErrorKind::Full)),
            Ok(_) => assert_eq!(size(&store, n), Some(1_000)),
        }
    }
    assert_eq!(size(&store, 10), None);
}

#[test]
fn expired_sessions_make_room_in_a_full_file() {
    let file = TestFile::new();
    let store = SqliteStore::builder(file.path()).max_bytes(400_000).open().unwrap();
    fill(&store, NOW);
    let later = NOW.after(IDLE * 3);
    for n in 20_000..20_100 {
        insert(&store, n, record(later, 1_000)).unwrap();
    }
    insert(&store, 30_000, record(later, 150_000)).unwrap();
    assert_eq!(size(&store, 30_000), Some(150_000));
}

#[test]
fn expired_sessions_make_room_for_a_write_that_grows_a_live_one() {
    let file = TestFile::new();
    let store = SqliteStore::builder(file.path()).max_bytes(400_000).open().unwrap();
    let lasting =
        |size| record(NOW, size).with_idle_deadline(record(NOW, size).absolute_deadline());
    insert(&store, 50_000, lasting(10)).unwrap();
    fill(&store, NOW);
    let later = NOW.after(IDLE * 3);
    let (seen, grown) = (lasting(10), lasting(100_000));
    let swap = store.replace(id(50_000), &seen, grown, later).wait().unwrap();
    assert!(matches!(swap, Swap::Done), "{swap:?}");
    assert_eq!(size(&store, 50_000), Some(100_000));
}

#[test]
fn expired_sessions_make_room_for_sign_ins() {
    let file = TestFile::new();
    let store = SqliteStore::builder(file.path()).max_bytes(400_000).open().unwrap();
    fill(&store, NOW);
    let later = NOW.after(IDLE * 3);
    for n in 0..200 {
        let name = Principal::new(format!("{n:0>200}")).unwrap();
        let until = later.after(IDLE);
        let login = IndexLogin::new(name, id(n), KindTag::DEFAULT, until).with_now(later);
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done, "{n}");
    }
}
