//! A tool that holds the write lock: every call is answered within the timeout.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::Store;
use cloakroom::store::{Inserted, Outcome, StoreError};
use cloakroom_sqlite::{SqliteError, SqliteErrorKind, SqliteStore};

use crate::fixture::{NOW, TestFile, insert, record, size};

const TIMEOUT: Duration = Duration::from_millis(800);

fn kind(error: &StoreError) -> Option<SqliteErrorKind> {
    error.source()?.downcast_ref::<SqliteError>().map(SqliteError::kind)
}

#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let answer = call();
    (answer, start.elapsed())
}

#[test]
fn a_call_that_waits_behind_others_for_the_write_lock_fails_within_the_timeout() {
    const CALLS: u32 = 8;
    let file = TestFile::new();
    let store = SqliteStore::builder(file.path()).timeout(TIMEOUT).open().unwrap();
    let tool = file.connection();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Calls on one session leave the queue one at a time, and so do calls on none.
    let calls: Vec<(Result<(), StoreError>, Duration)> = thread::scope(|scope| {
        let calls = (0..CALLS).map(|call| {
            let store = &store;
            scope.spawn(move || {
                timed(|| match call % 2 {
                    0 => insert(store, 1, record(NOW, 100)),
                    _ => store.health().wait(),
                })
            })
        });
        let calls: Vec<_> = calls.collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for (answer, waited) in calls {
        let error = answer.unwrap_err();
        assert_eq!(kind(&error), Some(SqliteErrorKind::Locked), "{error}");
        assert!(error.outcome() == Outcome::NotSent, "nothing was written");
        assert!(waited < 2 * TIMEOUT, "a call was answered after {waited:?}");
    }
    // The lock is known to be held: the next call need not wait for it to know that.
    let (answer, waited) = timed(|| insert(&store, 2, record(NOW, 100)));
    assert_eq!(kind(&answer.unwrap_err()), Some(SqliteErrorKind::Locked));
    assert!(waited < TIMEOUT / 2, "it failed after {waited:?}");
    tool.execute_batch("COMMIT").unwrap();
    insert(&store, 3, record(NOW, 100)).unwrap();
    assert_eq!((size(&store, 1), size(&store, 2), size(&store, 3)), (None, None, Some(100)));
}

#[test]
fn a_call_waits_for_a_lock_that_is_released_in_time() {
    let file = TestFile::new();
    let store = file.open();
    let tool = file.connection();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = store.insert(crate::fixture::id(1), record(NOW, 100));
    assert_eq!(size(&store, 1), None, "readers do not wait");
    tool.execute_batch("COMMIT").unwrap();
    assert_eq!(answer.wait().unwrap(), Inserted::Done);
    assert_eq!(size(&store, 1), Some(100));
}
