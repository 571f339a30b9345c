//! `scan`: every entry, part by part.

use std::collections::BTreeSet;

use cloakroom::record::Stored;
use cloakroom::store::Cursor;
use cloakroom::{PublicId, Store};

use super::{NOW, assert_same, end, id, insert, live, record, scattered};

/// Sessions and tombstones alike, in whatever parts.
pub fn a_scan_shows_every_entry(store: impl Store) {
    let kept = scattered();
    for (mark, id) in (1..).zip(&kept) {
        insert(&store, *id, &record(mark));
    }
    end(&store, kept[3]);
    for limit in [1, 5, 7, 100] {
        let mut seen = BTreeSet::new();
        through(&store, limit, |id, entry| {
            match entry {
                Stored::Live(found) => assert_same(&found, &live(&store, id)),
                Stored::Ended(_) => assert_eq!(id, kept[3], "a live session is shown as ended"),
            }
            seen.insert(id);
        });
        assert_eq!(seen, BTreeSet::from_iter(kept.clone()), "in parts of {limit}");
    }
}

/// While entries come and go between the parts, those that stay are all shown.
pub fn a_scan_is_complete_for_what_was_there_throughout(store: impl Store) {
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
        "a part left out what was there all the time"
    );
}

/// A scan is taken up where it was left, from the text of its cursor, and is as complete as if it had never stopped; how large
/// its parts are then is the engine's own business.
pub fn a_scan_goes_on_from_the_text_of_its_cursor(store: impl Store) {
    for id in scattered() {
        insert(&store, id, &record(1));
    }
    let first = store.scan(None, 5).wait().unwrap();
    let Some(next) = first.next else { return assert_eq!(first.entries.len(), scattered().len()) };
    let read: Cursor = next.to_string().parse().unwrap();
    assert_eq!(read, next);
    let mut seen: BTreeSet<PublicId> = first.entries.into_iter().map(|(id, _)| id).collect();
    let mut from = Some(read);
    while let Some(place) = from {
        let part = store.scan(Some(&place), 5).wait().unwrap();
        seen.extend(part.entries.into_iter().map(|(id, _)| id));
        from = part.next;
    }
    assert_eq!(seen, scattered().into_iter().collect());
}

fn through(store: &impl Store, limit: usize, mut visit: impl FnMut(PublicId, Stored)) {
    let mut from = None;
    for _ in 0..10_000 {
        let part = store.scan(from.as_ref(), limit).wait().unwrap();
        part.entries.into_iter().for_each(|(id, entry)| visit(id, entry));
        from = part.next;
        if from.is_none() {
            return;
        }
    }
    panic!("the scan has no end");
}
