//! `replace`: compare-and-swap of a record.

use std::thread;

use cloakroom::record::{Record, Revision};
use cloakroom::store::Swap;
use cloakroom::value::Payload;
use cloakroom::{PublicId, Store};

use super::{
    NOW, RACERS, alice, assert_same, barrier, begin, end, ending, get, id, insert, live, record,
    tombstone,
};

fn replace(store: &impl Store, id: PublicId, seen: &Record, record: &Record) -> Swap {
    store.replace(id, seen, record.clone(), NOW).wait().expect("the store works")
}

/// Value, principal, credentials and deadlines are those of the new record.
pub fn the_record_of_the_expected_revision_is_replaced_whole(store: impl Store) {
    let named = begin(2, Some(alice()), Payload::from_bytes(&b"named"[..]), Revision::new(2, 7));
    let unset = begin(3, None, Payload::unset(), Revision::new(3, 8));
    let mut before = record(1);
    insert(&store, id(1), &before);
    for after in [named, unset, record(4)] {
        assert!(matches!(replace(&store, id(1), &before, &after), Swap::Done));
        assert_same(&live(&store, id(1)), &after);
        before = after;
    }
}

/// An absent id is [`Swap::Gone`] and stays absent.
pub fn replace_never_creates(store: impl Store) {
    for seen in [record(1), record(0)] {
        assert!(matches!(replace(&store, id(1), &seen, &record(2)), Swap::Gone));
        assert!(get(&store, id(1)).is_none());
    }
}

/// An ended id is [`Swap::Gone`] and stays ended, whatever revision is expected.
pub fn replace_never_revives(store: impl Store) {
    insert(&store, id(1), &record(1));
    end(&store, id(1));
    for seen in [record(1), record(2), record(0)] {
        assert!(matches!(replace(&store, id(1), &seen, &record(2)), Swap::Gone));
        assert_eq!(tombstone(&store, id(1)).ending(), ending());
    }
}

/// The losing writer learns in the same round trip what it lost to.
pub fn a_mismatch_returns_the_stored_record_and_changes_nothing(store: impl Store) {
    insert(&store, id(1), &record(5));
    for seen in [record(4), record(6), record(0)] {
        match replace(&store, id(1), &seen, &record(9)) {
            Swap::Stale(current) => assert_same(&current, &record(5)),
            other => panic!("expected `Stale`, found {other:?}"),
        }
        assert_same(&live(&store, id(1)), &record(5));
    }
}

/// The count alone does not identify a write, since two nodes can write the same count.
pub fn the_same_count_with_another_token_is_a_mismatch(store: impl Store) {
    let ours = record(5);
    insert(&store, id(1), &ours);
    let count = ours.revision().count();
    for token in [0, ours.revision().token() ^ 1, ours.revision().token() ^ (1 << 63)] {
        let answer = replace(&store, id(1), &counting(count, token), &record(9));
        assert!(matches!(answer, Swap::Stale(_)), "expected `Stale`, found {answer:?}");
        assert_same(&live(&store, id(1)), &ours);
    }
    let other_count = counting(count + 1, ours.revision().token());
    assert!(matches!(replace(&store, id(1), &other_count, &record(9)), Swap::Stale(_)));
}

/// A writer that lost the answer sends its write again and finds its own revision.
pub fn a_write_sent_twice_recognises_itself(store: impl Store) {
    insert(&store, id(1), &record(1));
    assert!(matches!(replace(&store, id(1), &record(1), &record(2)), Swap::Done));
    match replace(&store, id(1), &record(1), &record(2)) {
        Swap::Stale(current) => assert_eq!(current.revision(), record(2).revision()),
        other => panic!("expected `Stale`, found {other:?}"),
    }
}

/// `replace` is atomic: the others are told what the winner wrote.
pub fn of_concurrent_replaces_of_one_revision_exactly_one_wins(store: impl Store) {
    for round in 1..=4 {
        let id = id(round);
        insert(&store, id, &record(1));
        let barrier = barrier(0);
        let answers: Vec<(u64, Swap)> = thread::scope(|scope| {
            let racers: Vec<_> = (10..10 + RACERS)
                .map(|n| {
                    let (store, barrier) = (&store, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        (n, replace(store, id, &record(1), &record(n)))
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().expect("no racer panics")).collect()
        });
        let winners: Vec<u64> = answers
            .iter()
            .filter(|(_, answer)| matches!(answer, Swap::Done))
            .map(|(n, _)| *n)
            .collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        let winner = record(winners[0]);
        assert_same(&live(&store, id), &winner);
        for (_, answer) in answers {
            if let Swap::Stale(current) = answer {
                assert_same(&current, &winner);
            }
        }
    }
}

/// Many writers add one each, again and again, and the sum is right.
pub fn every_acknowledged_replacement_counts(store: impl Store) {
    const EACH: u64 = 8;
    insert(&store, id(1), &counting(0, 0));
    thread::scope(|scope| {
        for racer in 0..RACERS {
            let store = &store;
            scope.spawn(move || {
                for turn in 0..EACH {
                    let token = 1 + racer * EACH + turn;
                    let mut current = live(store, id(1));
                    loop {
                        let revision = current.revision();
                        let next = counting(revision.count() + 1, token);
                        match replace(store, id(1), &current, &next) {
                            Swap::Done => break,
                            Swap::Stale(newer) => current = newer,
                            Swap::Gone => panic!("the session lives"),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(live(&store, id(1)).revision().count(), RACERS * EACH);
}

fn counting(count: u64, token: u64) -> Record {
    begin(count, None, Payload::unset(), Revision::new(count, token))
}
