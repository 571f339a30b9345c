//! A file that is replaced while a store has it open.
#![cfg(unix)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::Store;
use cloakroom::store::{Outcome, Page, StoreError};
use cloakroom_sqlite::{SqliteError, SqliteErrorKind, SqliteStore};
use cloakroom_testkit::StoreFile;

use crate::fixture::{NOW, TestFile, id, insert, record, size};

/// Longer than a busy machine needs, and shorter than forever.
const AT_MOST: Duration = Duration::from_secs(20);

fn log(path: &Path) -> PathBuf {
    StoreFile::at(path).log()
}

/// Another file with session `n`, which is in its log only. It has the name `other.db`.
fn other_in_use(file: &TestFile, n: u32) -> PathBuf {
    let path = file.path().with_file_name("other.db");
    let used = file.path().with_file_name("used.db");
    let store = SqliteStore::open(&used).unwrap();
    insert(&store, n, record(NOW, 200)).unwrap();
    fs::copy(&used, &path).unwrap();
    fs::copy(log(&used), log(&path)).unwrap();
    assert!(fs::metadata(log(&path)).unwrap().len() > 0);
    path
}

/// Another file with session `n`, and without a log.
fn other(file: &TestFile, n: u32) -> PathBuf {
    let path = file.path().with_file_name("other.db");
    insert(&SqliteStore::open(&path).unwrap(), n, record(NOW, 200)).unwrap();
    assert!(!log(&path).exists());
    path
}

fn assert_replaced<T>(answer: Result<T, StoreError>) {
    let error = answer.err().expect("an error");
    let source = error.source().unwrap().downcast_ref::<SqliteError>().unwrap();
    let text = source.to_string();
    for expected in ["sessions.db", "replaced", "stop the application", "`cloakroom restore`"] {
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(source.kind(), SqliteErrorKind::Replaced);
    assert!(error.outcome() == Outcome::NotSent);
}

/// Every operation fails, whatever was done before.
fn assert_all_replaced(store: &SqliteStore) {
    assert_replaced(store.insert(id(9), record(NOW, 100)).wait());
    assert_replaced(store.get(id(1)).wait());
    assert_replaced(store.scan(None, 10).wait());
    let alice = cloakroom::Principal::new("alice").unwrap();
    assert_replaced(store.sessions_of(&alice, None, Page::first(10)).wait());
    assert_replaced(store.health().wait());
    assert_eq!(store.inspect().unwrap_err().kind(), SqliteErrorKind::Replaced);
}

#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < AT_MOST, "timed out: {what}");
        thread::yield_now();
    }
}

#[test]
fn a_new_file_with_its_own_log_survives_the_store_of_the_old_one() {
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 100)).unwrap();
    let new = other_in_use(&file, 2);
    StoreFile::at(file.path()).replace_with_log_by(new);
    let log_before = fs::read(log(&file.path())).unwrap();

    assert_all_replaced(&store);
    drop(store);
    assert_eq!(fs::read(log(&file.path())).unwrap(), log_before);
    let store = file.open();
    assert_eq!((size(&store, 1), size(&store, 2)), (None, Some(200)));
    assert!(store.inspect().unwrap().damage.is_empty());
}

#[test]
fn the_log_of_the_old_file_is_not_taken_for_that_of_the_new_one() {
    // With a restart of the application right after, and with a request in between.
    for asks in [false, true] {
        let file = TestFile::new();
        let store = file.open();
        for n in 100..300 {
            insert(&store, n, record(NOW, 2_000)).unwrap();
        }
        fs::hard_link(file.path(), file.path().with_file_name("old.db")).unwrap();
        StoreFile::at(file.path()).replace_by(other(&file, 2));
        if asks {
            assert_all_replaced(&store);
        }
        drop(store);
        let store = file.open();
        assert_eq!((size(&store, 100), size(&store, 2)), (None, Some(200)));
        assert!(store.inspect().unwrap().damage.is_empty());
        // What was acknowledged is all in the old file.
        let old = SqliteStore::open(file.path().with_file_name("old.db")).unwrap();
        assert!((100..300).all(|n| size(&old, n) == Some(2_000)));
        assert!(old.inspect().unwrap().damage.is_empty());
    }
}

#[test]
fn a_store_without_requests_notices() {
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 100)).unwrap();
    assert!(fs::metadata(log(&file.path())).unwrap().len() > 0);
    StoreFile::at(file.path()).replace_by(other(&file, 2));
    until("the log is emptied", || fs::metadata(log(&file.path())).unwrap().len() == 0);
    assert_all_replaced(&store);
}

#[test]
fn a_file_that_is_gone_or_was_emptied_is_noticed_and_stays_so() {
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 100)).unwrap();
    let moved = StoreFile::at(file.path()).move_away();
    assert_all_replaced(&store);
    // Its log has been emptied by now, perhaps while another process used it.
    fs::rename(&moved, file.path()).unwrap();
    assert_all_replaced(&store);
    drop(store);

    let store = file.open();
    assert_eq!(size(&store, 1), Some(100));
    StoreFile::at(file.path()).empty();
    assert_all_replaced(&store);
}

#[test]
fn a_store_that_only_reads_notices() {
    let file = TestFile::new();
    insert(&file.open(), 1, record(NOW, 100)).unwrap();
    let store = SqliteStore::builder(file.path()).open_read_only().unwrap();
    assert_eq!(size(&store, 1), Some(100));
    StoreFile::at(file.path()).replace_by(other(&file, 2));
    assert_replaced(store.get(id(1)).wait());
    assert_replaced(store.health().wait());
}
