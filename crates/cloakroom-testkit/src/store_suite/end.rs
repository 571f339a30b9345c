//! `end` and `end_if`: an end is final.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cloakroom::record::{EndReason, Revision};
use cloakroom::store::{Ended, Swap};
use cloakroom::value::Payload;
use cloakroom::{Store, protocol};

use super::{NOW, RACERS, alice, barrier, begin, end, ending, get, id, insert, record, tombstone};

/// The value goes. The principal, the credentials and the reason stay.
pub fn ending_leaves_a_tombstone_and_no_session(store: impl Store) {
    let session =
        begin(1, Some(alice()), Payload::from_bytes(&b"a secret plan"[..]), Revision::new(1, 1));
    insert(&store, id(1), &session);
    insert(&store, id(2), &record(2));
    end(&store, id(1));
    let left = tombstone(&store, id(1));
    assert_eq!(left.ending(), ending());
    assert_eq!(left.principal(), Some(&alice()));
    assert_eq!(left.credentials(), session.credentials());
    assert!(
        matches!(get(&store, id(2)), Some(cloakroom::record::Stored::Live(_))),
        "another session was ended"
    );
}

/// A mismatch returns the record that is stored.
pub fn end_if_ends_the_expected_revision_only(store: impl Store) {
    insert(&store, id(1), &record(1));
    let stale = store.end_if(id(1), Revision::new(1, 999), ending()).wait().unwrap();
    let Swap::Stale(stored) = stale else { panic!("another revision was ended") };
    assert_eq!(stored.revision(), record(1).revision());
    assert!(
        matches!(get(&store, id(1)), Some(cloakroom::record::Stored::Live(_))),
        "a mismatch ended the session"
    );
    let done = store.end_if(id(1), record(1).revision(), ending()).wait().unwrap();
    assert!(matches!(done, Swap::Done));
    assert_eq!(tombstone(&store, id(1)).ending(), ending());
    let other = protocol::end(EndReason::Revoked, NOW);
    assert!(matches!(store.end_if(id(1), record(1).revision(), other).wait().unwrap(), Swap::Gone));
    assert_eq!(tombstone(&store, id(1)).ending(), ending());
    assert!(matches!(store.end_if(id(2), record(1).revision(), other).wait().unwrap(), Swap::Gone));
    assert!(get(&store, id(2)).is_none());
}

/// However often the session was written.
pub fn end_ends_any_revision(store: impl Store) {
    insert(&store, id(1), &record(1));
    assert!(matches!(store.replace(id(1), &record(1), record(2), NOW).wait().unwrap(), Swap::Done));
    end(&store, id(1));
    assert_eq!(tombstone(&store, id(1)).credentials(), record(2).credentials());
}

/// `end` is idempotent, and the holder learns the reason that came first.
pub fn ending_twice_succeeds_and_keeps_the_first_reason(store: impl Store) {
    insert(&store, id(1), &record(1));
    end(&store, id(1));
    let another = protocol::end(EndReason::Revoked, NOW.after(std::time::Duration::from_secs(1)));
    assert_eq!(store.end(id(1), another).wait().unwrap(), Ended::Already);
    assert_eq!(tombstone(&store, id(1)).ending(), ending());
}

/// It succeeds, and the id stays free.
pub fn ending_an_absent_session_leaves_no_tombstone(store: impl Store) {
    assert_eq!(store.end(id(1), ending()).wait().unwrap(), Ended::Absent);
    assert!(get(&store, id(1)).is_none());
    insert(&store, id(1), &record(1));
}

/// `end` is atomic: one caller is told `Now`, all others `Already`.
pub fn of_concurrent_ends_exactly_one_is_told_now(store: impl Store) {
    insert(&store, id(1), &record(1));
    let answers: Vec<Ended> = thread::scope(|scope| {
        let racers: Vec<_> = (0..RACERS)
            .map(|_| scope.spawn(|| store.end(id(1), ending()).wait().unwrap()))
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("no racer panics")).collect()
    });
    assert_eq!(answers.iter().filter(|answer| **answer == Ended::Now).count(), 1, "{answers:?}");
    assert!(!answers.contains(&Ended::Absent), "{answers:?}");
}

/// An end wins over writes in flight from many threads.
pub fn no_write_succeeds_after_an_end(store: impl Store) {
    insert(&store, id(1), &record(1));
    let (barrier, ended) = (barrier(1), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..RACERS {
            scope.spawn(|| {
                barrier.wait();
                write_until(&store, &ended);
            });
        }
        barrier.wait();
        for _ in 0..8 {
            get(&store, id(1));
        }
        let answer = store.end(id(1), ending()).wait();
        ended.store(true, Ordering::SeqCst);
        assert_eq!(answer.unwrap(), Ended::Now);
    });
    assert_eq!(tombstone(&store, id(1)).ending(), ending());
}

/// Writes until the session is gone, and panics if a write that began after `ended` succeeds.
fn write_until(store: &impl Store, ended: &AtomicBool) {
    let mut seen = record(1);
    loop {
        let is_over = ended.load(Ordering::SeqCst);
        let mark = seen.revision().count() + 1;
        match store.replace(id(1), &seen, record(mark), NOW).wait().unwrap() {
            Swap::Done => seen = record(mark),
            Swap::Stale(current) => seen = current,
            Swap::Gone => break,
        }
        assert!(!is_over, "a write that began after the end found a session");
    }
    assert!(
        !store.touch(id(1), seen.revision(), NOW).wait().unwrap(),
        "a touch found a session after the end"
    );
}
