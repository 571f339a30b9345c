//! `scan`: all entries, part by part.

use std::collections::BTreeSet;

use cloakroom::record::Stored;
use cloakroom::store::Cursor;
use cloakroom::{PublicId, Store};

use super::{NOW, assert_same, end, id, insert, live, record, scattered};

/// Sessions and tombstones, whatever the size of the parts.
pub fn a_scan_shows_every_entry(store: impl Store) {
    let kept = scattered();
    for (mark, id) in (1..).zip(&kept) {
        insert(&store, *id, &record(mark));
    }
    end(&store, kept[3]);
    for limit in [1, 5, 7, 100] {
        let mut seen = BTreeSet::new();
        for_each_entry(&store, limit, |id, entry| {
            match entry {
                Stored::Live(found) => assert_same(&found, &live(&store, id)),
                Stored::Ended(_) => assert_eq!(id, kept[3], "a live session is shown as ended"),
            }
            seen.insert(id);
        });
        assert_eq!(seen, BTreeSet::from_iter(kept.clone()), "in parts of {limit}");
    }
}

/// Entries that come and go between two parts hide none of those that stay.
pub fn a_scan_shows_every_entry_that_stays(store: impl Store) {
    let staying: Vec<PublicId> = (0..20).map(|n| id(10 * n + 5)).collect();
    let leaving: Vec<PublicId> = (0..20).map(|n| id(10 * n + 2)).collect();
    for id in &staying {
        insert(&store, *id, &record(1));
    }
    for id in &leaving {
        insert(&store, *id, &record(2).with_idle_deadline(NOW));
    }
    let (mut from, mut seen, mut new) = (None, BTreeSet::new(), 0);
    loop {
        let part = store.scan(from.as_ref(), 3).wait().unwrap();
        seen.extend(part.entries.iter().map(|(id, _)| *id));
        from = part.next;
        if from.is_none() {
            break;
        }
        store.sweep(NOW, 2).wait().unwrap();
        if new < 25 {
            insert(&store, id(10 * new + 7), &record(3));
            new += 1;
        }
    }
    assert!(
        staying.iter().all(|id| seen.contains(id)),
        "the scan missed an entry that was there throughout"
    );
}

/// A scan resumed from the text of its cursor is as complete as one that never stopped. The engine
/// decides how large its parts are.
pub fn a_scan_resumes_from_the_text_of_its_cursor(store: impl Store) {
    for id in scattered() {
        insert(&store, id, &record(1));
    }
    let first = store.scan(None, 5).wait().unwrap();
    let Some(next) = first.next else { return assert_eq!(first.entries.len(), scattered().len()) };
    let read: Cursor = next.to_string().parse().unwrap();
    assert_eq!(read, next);
    let mut seen: BTreeSet<PublicId> = first.entries.into_iter().map(|(id, _)| id).collect();
    let mut from = Some(read);
    while let Some(cursor) = from {
        let part = store.scan(Some(&cursor), 5).wait().unwrap();
        seen.extend(part.entries.into_iter().map(|(id, _)| id));
        from = part.next;
    }
    assert_eq!(seen, scattered().into_iter().collect());
}

/// Calls `each` with every entry of a scan in parts of `limit`.
fn for_each_entry(store: &impl Store, limit: usize, mut each: impl FnMut(PublicId, Stored)) {
    let mut from = None;
    // A part can be empty: other tests share the server.
    for _ in 0..1_000_000 {
        let part = store.scan(from.as_ref(), limit).wait().unwrap();
        part.entries.into_iter().for_each(|(id, entry)| each(id, entry));
        from = part.next;
        if from.is_none() {
            return;
        }
    }
    panic!("the scan does not end");
}
