//! A store of one's own: a map behind a lock. It writes six methods and derives the others.
//!
//! `cargo test` runs the conformance suite on it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, PoisonError};

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{Cursor, Inserted, Page, Scanned, StoreError, Swap};
use cloakroom::{Io, PublicId, Store, Timestamp, derive_index};

/// Sessions in a map. Every operation finishes at once, so its `Io` is ready.
#[derive(Debug, Default)]
pub struct MapStore {
    entries: Mutex<BTreeMap<PublicId, Stored>>,
}

type Answer<T> = Io<'static, Result<T, StoreError>>;

impl MapStore {
    /// Runs one operation under the lock.
    fn look<T>(&self, look: impl FnOnce(&mut BTreeMap<PublicId, Stored>) -> T) -> Answer<T> {
        Io::ready(Ok(look(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))))
    }

    /// Replaces a live record of this revision by what `change` makes of it: compare-and-swap.
    fn swap(
        &self,
        id: PublicId,
        expected: Revision,
        change: impl FnOnce(&Record) -> Stored,
    ) -> Answer<Swap> {
        self.look(|entries| match entries.get(&id) {
            Some(Stored::Live(found)) if found.revision() == expected => {
                let changed = change(found);
                entries.insert(id, changed);
                Swap::Done
            }
            Some(Stored::Live(found)) => Swap::Stale(found.clone()),
            _ => Swap::Gone,
        })
    }
}

impl Store for MapStore {
    derive_index!();

    fn insert(&self, id: PublicId, record: Record) -> Answer<Inserted> {
        self.look(|entries| match entries.entry(id) {
            Entry::Occupied(_) => Inserted::Taken,
            Entry::Vacant(free) => {
                free.insert(Stored::Live(record));
                Inserted::Done
            }
        })
    }

    fn get(&self, id: PublicId) -> Answer<Option<Stored>> {
        self.look(|entries| entries.get(&id).cloned())
    }

    fn replace(&self, id: PublicId, seen: &Record, record: Record, _: Timestamp) -> Answer<Swap> {
        self.swap(id, seen.revision(), |_| Stored::Live(record))
    }

    fn end_if(&self, id: PublicId, expected: Revision, ending: Ending) -> Answer<Swap> {
        self.swap(id, expected, |found| Stored::Ended(found.ended(ending)))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Answer<Scanned> {
        let page = match Page::of_scan(from, limit) {
            Ok(page) => page,
            Err(foreign) => return Io::ready(Err(foreign)),
        };
        let after = page.starts_after().map_or(Unbounded, Excluded);
        self.look(|entries| {
            let part = entries.range((after, Unbounded)).take(limit);
            Scanned::in_order(part.map(|(id, stored)| (*id, stored.clone())).collect(), page)
        })
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Answer<usize> {
        self.look(|entries| {
            let is_expired = |stored: &Stored| stored.expires_at() <= now;
            let expired = entries.iter().filter(|(_, stored)| is_expired(stored));
            let expired: Vec<PublicId> = expired.map(|(id, _)| *id).take(limit).collect();
            expired.iter().filter(|id| entries.remove(id).is_some()).count()
        })
    }
}
