//! `insert`: a new session under a free id.

use std::thread;

use cloakroom::Store;
use cloakroom::store::Inserted;

use super::{RACERS, assert_same, end, ending, id, insert, live, record, tombstone};

/// Any `get` after the answer to `insert` sees the record.
pub fn an_inserted_record_is_read_back_whole(store: impl Store) {
    for n in 0..3 {
        insert(&store, id(n), &record(n.into()));
    }
    for n in 0..3 {
        assert_same(&live(&store, id(n)), &record(n.into()));
    }
}

/// No session is written over another.
pub fn an_id_with_a_session_is_refused_and_unchanged(store: impl Store) {
    insert(&store, id(1), &record(1));
    for again in [record(1), record(2)] {
        assert_eq!(store.insert(id(1), again).wait().unwrap(), Inserted::Taken);
        assert_same(&live(&store, id(1)), &record(1));
    }
}

/// A tombstone keeps its id taken.
pub fn an_id_with_a_tombstone_is_refused_and_unchanged(store: impl Store) {
    insert(&store, id(1), &record(1));
    end(&store, id(1));
    assert_eq!(store.insert(id(1), record(2)).wait().unwrap(), Inserted::Taken);
    assert_eq!(tombstone(&store, id(1)).ending(), ending());
}

/// `insert` is atomic: the record that is stored is the winner's.
pub fn of_concurrent_inserts_exactly_one_wins(store: impl Store) {
    let answers: Vec<(u64, Inserted)> = thread::scope(|scope| {
        let racers: Vec<_> = (0..RACERS)
            .map(|n| {
                let store = &store;
                scope.spawn(move || (n, store.insert(id(1), record(n)).wait().unwrap()))
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("no racer panics")).collect()
    });
    let winners: Vec<u64> =
        answers.iter().filter(|(_, answer)| *answer == Inserted::Done).map(|(n, _)| *n).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    assert_same(&live(&store, id(1)), &record(winners[0]));
}
