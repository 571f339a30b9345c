//! Fields that a later version added to a record are kept.

use cloakroom::Store;
use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::{Key, protocol};

use super::{IDLE, NOW, alice, assert_same, bytes, end, ending, get, id, insert, live, record};

/// Those of live and of ended sessions, also where the store changes a record in place.
pub fn extensions_of_a_later_version_are_kept_by_every_operation(store: impl Store) {
    let next = Key::new(id(0), Secret::from_bytes([9; 16])).verifier(KindTag::of(""));
    let signed_in = |mark| protocol::sign_in(&record(mark), &alice(), next, None, NOW);
    let entries = [1, 0, 0, 3, 7, 7, 7, 2, 0, 0, 0, 255, 0, 1, 44].into_iter().chain([1; 300]);
    let entries: Vec<u8> = entries.collect();
    let cases =
        [(record(1), vec![9, 0, 0, 0]), (record(1), entries.clone()), (signed_in(1), entries)];
    for (n, (plain, entries)) in (1..).zip(cases) {
        let first = extended(&plain, &entries);
        let second = first.clone().with_idle_deadline(NOW.after(2 * IDLE));
        for id in [id(n), id(n + 100)] {
            insert(&store, id, &first);
            assert_same(&live(&store, id), &first);
            assert!(store.touch(id, first.revision(), second.idle_deadline()).wait().unwrap());
            assert_same(&live(&store, id), &second);
            for other in [&plain, &first] {
                let swap = store.replace(id, &first, other.clone(), NOW).wait().unwrap();
                assert!(matches!(swap, Swap::Done), "expected `Done`, found {swap:?}");
                assert_same(&live(&store, id), other);
            }
        }
        let swap = store.end_if(id(n), Revision::new(0, 0), ending()).wait().unwrap();
        let Swap::Stale(current) = swap else { panic!("expected `Stale`, found {swap:?}") };
        assert_same(&current, &first);
        let swap = store.end_if(id(n), first.revision(), ending()).wait().unwrap();
        assert!(matches!(swap, Swap::Done), "expected `Done`, found {swap:?}");
        end(&store, id(n + 100));
        let tombstone = Stored::Ended(first.ended(ending())).to_bytes().unwrap();
        for id in [id(n), id(n + 100)] {
            assert_eq!(get(&store, id).unwrap().to_bytes().unwrap(), tombstone);
        }
    }
}

/// The record with these entries in its extension area, which is the last field of a tombstone.
fn extended(record: &Record, entries: &[u8]) -> Record {
    let tombstone = Stored::Ended(record.ended(ending())).to_head();
    let area = 75 + tombstone.len() - ending().to_bytes().len() - 1;
    let mut bytes = bytes(record);
    let count = entries_in(entries);
    bytes.splice(area..=area, [&[count], entries].concat());
    match Stored::from_bytes(&bytes) {
        Ok(Stored::Live(record)) => record,
        other => panic!("expected a live session, found {other:?}"),
    }
}

fn entries_in(mut entries: &[u8]) -> u8 {
    let mut count = 0;
    while let [_, _, high, low, rest @ ..] = entries {
        entries = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
        count += 1;
    }
    count
}
