//! `sweep`: garbage goes when the store is told the time.

use std::time::Duration;

use cloakroom::record::{Record, Revision};
use cloakroom::store::Swap;
use cloakroom::value::Payload;
use cloakroom::{Store, Timestamp};

use super::{ABSOLUTE, IDLE, NOW, begin, end, ending, get, id, insert, record};

const TICK: Duration = Duration::from_millis(1);

/// An entry is garbage at `now` if it expires at `now` or before, to the millisecond.
pub fn a_sweep_removes_garbage_and_nothing_else(store: impl Store) {
    let now = ending().keep_until();
    let until = |deadline| record(1).with_idle_deadline(deadline);
    insert(&store, id(1), &until(now)); // past its absolute deadline
    insert(&store, id(2), &idle_until(now)); // at its idle deadline
    insert(&store, id(3), &idle_until(now.after(TICK)));
    insert(&store, id(4), &idle_until(Timestamp::NEVER));
    insert(&store, id(5), &record(1));
    end(&store, id(5)); // a tombstone to be kept until `now`
    insert(&store, id(6), &record(1));
    let longer = cloakroom::record::Ending::new(ending().reason(), NOW, now.after(TICK));
    store.end(id(6), longer).wait().unwrap();

    assert_eq!(store.sweep(now, 100).wait().unwrap(), 3);
    let left: Vec<u8> = (1..=6).filter(|n| get(&store, id(*n)).is_some()).collect();
    assert_eq!(left, [3, 4, 6]);
    assert_eq!(store.sweep(now, 100).wait().unwrap(), 0);
}

/// A caller that sweeps in small portions so knows when to stop.
pub fn a_sweep_removes_at_most_its_limit_and_fewer_only_at_the_end(store: impl Store) {
    for n in 0..10 {
        insert(&store, id(n), &record(n.into()));
    }
    let swept = [4, 4, 4, 4].map(|limit| store.sweep(NOW.after(ABSOLUTE), limit).wait().unwrap());
    assert_eq!(swept, [4, 4, 2, 0]);
}

/// A write can move the deadlines either way.
pub fn a_sweep_uses_the_deadlines_of_the_last_write(store: impl Store) {
    let (short, long) = (NOW.after(TICK), NOW.after(IDLE));
    for (n, before, after) in [(1, short, long), (2, long, short)] {
        insert(&store, id(n), &record(1).with_idle_deadline(before));
        let next = record(2).with_idle_deadline(after);
        assert!(matches!(store.replace(id(n), &record(1), next, NOW).wait().unwrap(), Swap::Done));
    }
    assert_eq!(store.sweep(short, 100).wait().unwrap(), 1);
    assert!(get(&store, id(1)).is_some() && get(&store, id(2)).is_none());
    assert_eq!(store.sweep(long, 100).wait().unwrap(), 1);
    assert!(get(&store, id(1)).is_none());
}

/// A session in use is never swept.
pub fn a_sweep_uses_the_deadline_of_the_last_touch(store: impl Store) {
    insert(&store, id(1), &record(1));
    let touched = NOW.after(IDLE + IDLE);
    assert!(store.touch(id(1), record(1).revision(), touched).wait().unwrap());
    assert_eq!(store.sweep(NOW.after(IDLE), 100).wait().unwrap(), 0);
    assert!(get(&store, id(1)).is_some());
    assert_eq!(store.sweep(touched, 100).wait().unwrap(), 1);
    assert!(get(&store, id(1)).is_none());
}

/// The id can be inserted again.
pub fn an_id_that_was_swept_is_free(store: impl Store) {
    insert(&store, id(1), &record(1));
    insert(&store, id(2), &record(1));
    end(&store, id(2));
    assert_eq!(store.sweep(ending().keep_until(), 100).wait().unwrap(), 2);
    for n in [1, 2] {
        assert!(get(&store, id(n)).is_none());
        insert(&store, id(n), &record(2));
    }
}

/// A record whose first deadline is this idle deadline.
fn idle_until(idle_deadline: Timestamp) -> Record {
    let lifetime = cloakroom::Lifetime::absolute(Duration::from_secs(300 * 24 * 60 * 60));
    let (revision, unset) = (Revision::new(1, 1), Payload::unset());
    let record = begin(1, None, unset.clone(), revision);
    let (kind, verifier) = (record.kind(), record.credentials().current);
    cloakroom::protocol::begin(kind, verifier, lifetime, None, unset, revision, NOW)
        .with_idle_deadline(idle_deadline)
}
