//! `scan`: every entry, page by page.

use std::collections::BTreeSet;

use cloakroom::{Page, SessionId, Store, Stored};

use super::{NOW, assert_same, end, id, insert, live, pages, record, scattered};

/// Sessions and tombstones alike, ascending by the bytes of the id.
pub fn a_scan_shows_every_entry_once_in_order(store: impl Store) {
    let kept = scattered();
    for (mark, id) in (1..).zip(&kept) {
        insert(&store, *id, &record(mark));
    }
    end(&store, kept[3]);
    let sorted: Vec<SessionId> = BTreeSet::from_iter(kept.clone()).into_iter().collect();
    for limit in [1, 5, 7, 100] {
        let entries = pages(limit, |page| store.scan(page).wait().unwrap(), |(id, _)| *id);
        let ids: Vec<SessionId> = entries.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, sorted, "in pages of {limit}");
        for (id, entry) in entries {
            match entry {
                Stored::Live(found) => assert_same(&found, &live(&store, id)),
                Stored::Ended(_) => assert_eq!(id, kept[3], "a live session is shown as ended"),
            }
        }
    }
}

/// While entries come and go between the pages, those that stay are all shown.
pub fn a_scan_is_complete_for_what_was_there_throughout(store: impl Store) {
    let staying: Vec<SessionId> = (0..20).map(|n| id(10 * n + 5)).collect();
    let leaving: Vec<SessionId> = (0..20).map(|n| id(10 * n + 2)).collect();
    for id in &staying {
        insert(&store, *id, &record(1));
    }
    for id in &leaving {
        insert(&store, *id, &record(2).with_idle_deadline(NOW));
    }
    let (mut page, mut seen, mut new) = (Page::first(3), BTreeSet::new(), 0);
    loop {
        let part = store.scan(page).wait().unwrap();
        let Some((last, _)) = part.last() else { break };
        page = page.after(*last);
        seen.extend(part.iter().map(|(id, _)| *id));
        store.sweep(NOW, 2).wait().unwrap();
        insert(&store, id(10 * new + 7), &record(3));
        new += 1;
        assert!(new < 25, "the scan has no end");
    }
    assert!(staying.iter().all(|id| seen.contains(id)), "a page left out what was there all the time");
}
