//! A check of stores whose writes wait in a queue.

use std::ops::RangeInclusive;

use cloakroom::record::Record;
use cloakroom::store::{StoreError, Swap};
use cloakroom::{Io, Store};

use crate::store_suite::{NOW, assert_same, end, id, insert, live, record};

/// Panics unless writes of one session that are asked for one after another, each planned on what
/// the one before is about to write, are carried out in that order.
///
/// For an empty store that queues its writes ([`Queue`](cloakroom::stores::batch::Queue)). The
/// changes that wait in one process are planned like this; a store that joins them must still do
/// all of them, or tell each of them that it lost.
///
/// # Panics
/// If a write is not made, or is made although the one before it was not.
pub fn assert_writes_keep_their_order(store: impl Store) {
    insert(&store, id(1), &record(1));
    for answer in in_a_row(&store, 1..=100).into_iter().map(Io::wait) {
        assert!(matches!(answer, Ok(Swap::Done)), "{answer:?}");
    }
    assert_same(&live(&store, id(1)), &record(100));

    // Those behind a write that lost lose to the same record.
    for answer in in_a_row(&store, 7..=20).into_iter().map(Io::wait) {
        match answer {
            Ok(Swap::Stale(current)) => assert_same(&current, &record(100)),
            other => panic!("expected `Stale`, found {other:?}"),
        }
    }

    // One that comes in between is carried out in between.
    let before = in_a_row(&store, 100..=110);
    let another = store.replace(id(1), &record(110), record(200), NOW);
    let after = in_a_row(&store, 110..=120);
    for answer in before.into_iter().chain([another]).map(Io::wait) {
        assert!(matches!(answer, Ok(Swap::Done)), "{answer:?}");
    }
    for answer in after.into_iter().map(Io::wait) {
        assert!(matches!(answer, Ok(Swap::Stale(_))), "{answer:?}");
    }
    assert_same(&live(&store, id(1)), &record(200));

    end(&store, id(1));
    for answer in in_a_row(&store, 200..=210).into_iter().map(Io::wait) {
        assert!(matches!(answer, Ok(Swap::Gone)), "{answer:?}");
    }
}

/// Asks for the replacement of each record by the next one.
fn in_a_row(
    store: &impl Store,
    marks: RangeInclusive<u64>,
) -> Vec<Io<'_, Result<Swap, StoreError>>> {
    let records: Vec<Record> = marks.map(record).collect();
    let replace = |pair: &[Record]| store.replace(id(1), &pair[0], pair[1].clone(), NOW);
    records.windows(2).map(replace).collect()
}
