//! Removing expired rows, by a sweep and by new sessions.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::store::{IndexLogin, Indexed, Inserted, Swap};
use cloakroom::{Principal, Store};

use crate::fixture::{IDLE, NOW, TestFile, id, insert, record};

#[test]
fn other_writes_run_between_the_steps_of_a_sweep() {
    let file = TestFile::new();
    let store = file.open();
    let inserts: Vec<_> = (0..1_000).map(|n| store.insert(id(n), record(NOW, 10))).collect();
    for answer in inserts {
        assert_eq!(answer.wait().unwrap(), Inserted::Done);
    }
    let later = NOW.after(IDLE * 2);
    let mut sweep = store.sweep(later, 10_000);
    let mut context = Context::from_waker(Waker::noop());
    let mut written = 1_000;
    let swept = loop {
        match Pin::new(&mut sweep).poll(&mut context) {
            Poll::Ready(swept) => break swept.unwrap(),
            Poll::Pending => insert(&store, written, record(later, 10)).unwrap(),
        }
        written += 1;
    };
    // Each new session also removed two expired ones.
    assert!(written - 1_000 >= 4 && swept > 900, "{swept} in {} steps", written - 1_000);
    let left = store.scan(None, 10_000).wait().unwrap().entries;
    assert_eq!(left.len(), usize::try_from(written - 1_000).unwrap());
}

/// The column `expires` is not updated for small moves of a deadline, so a sweep checks the record.
#[test]
fn a_sweep_keeps_a_session_whose_deadline_moved_a_little_and_removes_it_when_it_expires() {
    let file = TestFile::new();
    let store = file.open();
    let second = Duration::from_secs(1);
    for n in 0..300 {
        insert(&store, n, record(NOW, 10)).unwrap();
        let later = record(NOW.after(second * (n % 90)), 10);
        assert!(matches!(store.replace(id(n), &later, later.clone(), NOW).wait(), Ok(Swap::Done)));
    }
    let first = NOW.after(IDLE);
    for passed in 0..95 {
        let now = first.after(second * passed);
        let mut swept = 0;
        while let removed @ 1.. = store.sweep(now, 2).wait().unwrap() {
            swept += removed;
        }
        let due = (0..300).filter(|n| n % 90 == passed).count();
        assert_eq!(swept, due, "{passed} s after the first");
    }
    assert!(store.scan(None, 1).wait().unwrap().entries.is_empty());
}

#[test]
fn new_sessions_remove_expired_rows() {
    let file = TestFile::new();
    let store = file.open();
    let alice = Principal::new("alice").unwrap();
    for n in 0..100 {
        insert(&store, n, record(NOW, 10)).unwrap();
        let login = IndexLogin::new(alice.clone(), id(n), KindTag::DEFAULT, NOW.after(IDLE));
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
    }
    let later = NOW.after(IDLE * 3);
    for n in 100..160 {
        insert(&store, n, record(later, 10)).unwrap();
    }
    let left = |table: &str| -> u32 {
        file.connection()
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((left("session"), left("sessions_by_principal")), (60, 0));
}
