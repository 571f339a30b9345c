//! Some of the entries, behind a lock that is never held for long.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::slot::Slot;
use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::Stored;
use crate::store::{Inserted, StoreError};
use crate::time::Timestamp;

/// How many entries are visited before the lock is released for a moment.
const SLICE: usize = 512;

pub(super) struct Shard {
    table: Mutex<Option<Table>>,
}

/// What the end of a session freed.
pub(super) struct Freed {
    pub(super) principal: Option<Principal>,
    pub(super) bytes: usize,
}

#[derive(Default)]
struct Table {
    slots: IndexMap<PublicId, Slot, BuildHasherDefault<IdHasher>>,
    /// Where the next check for garbage begins, towards the first entry.
    cursor: usize,
    /// The sessions to which no client has come back, oldest first, and some others.
    waiting: VecDeque<PublicId>,
}

impl Shard {
    pub(super) const fn new() -> Self {
        Self { table: Mutex::new(None) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Table>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `act` with the entry of `id`.
    pub(super) fn with<T>(&self, id: PublicId, act: impl FnOnce(Option<&mut Slot>) -> T) -> T {
        act(self.lock().as_mut().and_then(|table| table.slots.get_mut(&id)))
    }

    /// Adds an entry, unless the id is taken, and checks `checked` others; returns the garbage.
    pub(super) fn insert(
        &self,
        id: PublicId,
        slot: Slot,
        checked: usize,
        is_garbage: impl Fn(&Slot) -> bool,
    ) -> (Inserted, Vec<(PublicId, Slot)>) {
        let mut table = self.lock();
        let table = table.get_or_insert_default();
        table.make_room();
        let inserted = match table.slots.entry(id) {
            Entry::Occupied(_) => Inserted::Taken,
            Entry::Vacant(entry) => {
                if slot.waits_since().is_some() {
                    table.waiting.push_back(id);
                }
                entry.insert(slot);
                Inserted::Done
            }
        };
        table.trim_waiting();
        (inserted, table.check(checked, is_garbage))
    }

    /// Ends a session, and returns what that freed. Its value is dropped after the lock is
    /// released.
    pub(super) fn end<T>(
        &self,
        id: PublicId,
        end: impl FnOnce(&mut Slot) -> Result<(T, Option<Slot>), StoreError>,
        absent: T,
    ) -> Result<(T, Option<Freed>), StoreError> {
        let (answer, old, left) = self.with(id, |present| {
            let Some(present) = present else { return Ok((absent, None, 0)) };
            end(present).map(|(answer, old)| (answer, old, present.bytes()))
        })?;
        let freed = old.map(|old| Freed {
            principal: old.principal(),
            bytes: old.bytes().saturating_sub(left),
        });
        Ok((answer, freed))
    }

    /// Checks `count` entries from where the last check ended, and removes the garbage.
    pub(super) fn check(
        &self,
        count: usize,
        is_garbage: impl Fn(&Slot) -> bool,
    ) -> Vec<(PublicId, Slot)> {
        self.lock().as_mut().map_or_else(Vec::new, |table| table.check(count, is_garbage))
    }

    /// Since when the oldest session has waited to which no client has come back. Session `kept` is
    /// left out.
    pub(super) fn oldest_waiting(&self, kept: PublicId) -> Option<Timestamp> {
        self.lock().as_mut()?.first_waiting(kept).map(|(_, since)| since)
    }

    /// Removes that session.
    pub(super) fn remove_oldest_waiting(&self, kept: PublicId) -> Option<(PublicId, Slot)> {
        let mut table = self.lock();
        let table = table.as_mut()?;
        let (index, _) = table.first_waiting(kept)?;
        let id = table.waiting.remove(index)?;
        table.slots.swap_remove_entry(&id)
    }

    /// Removes at most `limit` entries that are garbage; it has checked all if it returns fewer.
    pub(super) fn sweep(
        &self,
        limit: usize,
        is_garbage: impl Fn(&Slot) -> bool,
    ) -> Vec<(PublicId, Slot)> {
        let mut removed = Vec::new();
        self.slices(|table, top, bottom| {
            let mut index = top;
            while index > bottom && removed.len() < limit {
                index -= 1;
                if table.slots.get_index(index).is_some_and(|(_, slot)| is_garbage(slot)) {
                    removed.extend(table.slots.swap_remove_index(index));
                }
            }
            removed.len() < limit
        });
        removed
    }

    /// The first `limit` entries after `after`, in ascending order.
    pub(super) fn page(
        &self,
        after: Option<PublicId>,
        limit: usize,
    ) -> Result<Vec<(PublicId, Stored)>, StoreError> {
        let mut first = BTreeMap::new();
        self.slices(|table, top, bottom| {
            for (id, slot) in table.slots.get_range(bottom..top).into_iter().flatten() {
                let last = first.last_key_value().map(|(last, _)| last);
                if after.is_none_or(|after| *id > after)
                    && (first.len() < limit || last.is_some_and(|last| id < last))
                {
                    first.insert(*id, slot.load());
                    if first.len() > limit {
                        first.pop_last();
                    }
                }
            }
            true
        });
        first.into_iter().map(|(id, stored)| Ok((id, stored?))).collect()
    }

    /// Visits the entries from the last to the first, and releases the lock between slices.
    ///
    /// If another thread removes an entry, the last one takes its place. That one has been visited,
    /// so none is missed.
    fn slices(&self, mut visit: impl FnMut(&mut Table, usize, usize) -> bool) {
        let mut top = usize::MAX;
        while top > 0 {
            let mut table = self.lock();
            let Some(table) = table.as_mut() else { return };
            let from = top.min(table.slots.len());
            top = from.saturating_sub(SLICE);
            if !visit(table, from, top) {
                return;
            }
        }
    }
}

impl Table {
    /// Grows a full table by an eighth. By default it would double, and half of it would be unused.
    fn make_room(&mut self) {
        let count = self.slots.len();
        if count == self.slots.capacity() {
            self.slots.reserve_exact((count / 8).max(16));
        }
    }

    /// Where in the list the session is that has waited longest for its client, and since when.
    fn first_waiting(&mut self, kept: PublicId) -> Option<(usize, Timestamp)> {
        let since = |id: &PublicId| self.slots.get(id).and_then(Slot::waits_since);
        while self.waiting.front().is_some_and(|id| since(id).is_none()) {
            self.waiting.pop_front();
        }
        let mut others = self.waiting.iter().enumerate().filter(|(_, id)| **id != kept);
        others.find_map(|(index, id)| Some((index, since(id)?)))
    }

    /// Removes from the list what no longer waits, once that is most of it.
    fn trim_waiting(&mut self) {
        if self.waiting.len() > self.slots.len() / 2 * 3 + 16 {
            let slots = &self.slots;
            self.waiting
                .retain(|id| slots.get(id).is_some_and(|slot| slot.waits_since().is_some()));
        }
    }

    fn check(&mut self, count: usize, is_garbage: impl Fn(&Slot) -> bool) -> Vec<(PublicId, Slot)> {
        let mut removed = Vec::new();
        let mut left = count.min(self.slots.len());
        while left > 0 {
            if self.cursor == 0 || self.cursor > self.slots.len() {
                self.cursor = self.slots.len();
            }
            let (top, bottom) = (self.cursor, self.cursor.saturating_sub(left));
            left -= top - bottom;
            self.cursor = bottom;
            self.check_range(bottom..top, &is_garbage, &mut removed);
        }
        removed
    }

    fn check_range(
        &mut self,
        range: Range<usize>,
        is_garbage: impl Fn(&Slot) -> bool,
        removed: &mut Vec<(PublicId, Slot)>,
    ) {
        // Usually there is none.
        if self.slots.get_range(range.clone()).is_some_and(|slots| slots.values().any(&is_garbage))
        {
            for index in range.rev() {
                if self.slots.get_index(index).is_some_and(|(_, slot)| is_garbage(slot)) {
                    removed.extend(self.slots.swap_remove_index(index));
                }
            }
        }
    }
}

/// Ids are random, so their bytes serve as their hash.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((_, tail)) = bytes.split_last_chunk::<8>() {
            self.0 = u64::from_le_bytes(*tail);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
