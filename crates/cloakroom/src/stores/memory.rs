//! Sessions in this process's memory.

mod index;
mod shard;
mod slot;
mod space;

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub use index::PrincipalIndex;
use shard::{Freed, Shard};
use slot::Slot;
use space::Space;

use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Io, Page, Scanned, Store, StoreError,
    StoreErrorKind, Swap,
};
use crate::time::Timestamp;

/// Shards, each behind its own lock: as many as a byte has values.
const SHARDS: usize = 256;
/// Slots that an insert looks over for garbage, in the shard it has locked anyway.
const LOOK_OVER: usize = 8;
/// How long garbage is left alone between sweeps: clocks differ, and what is read a moment late is told "expired".
const SLACK: u64 = 60_000;
/// Slots that are looked over in each shard, once for garbage and once for tombstones, before a full store refuses.
const SEARCH: usize = 32;

/// Keeps sessions in this process's memory: for tests, demos, and one process whose sessions may end with it.
///
/// Every answer is there at once. Values stay typed, so nothing is encoded but to be measured.
///
/// **Bounded**, by default to a million sessions and 256 MiB. At a bound garbage goes first, then tombstones (whose
/// holders are then no longer told why). If that does not help, a new session, or a write that grows one, is refused
/// with [`StoreErrorKind::Full`], which a client sees as 503. A live session is never evicted: an acknowledged write stays.
///
/// **Frees what expired** bit by bit: each insert looks over eight entries of its shard. There is no background task and
/// no pause; [`Sessions::sweep`](crate::Sessions::sweep) frees at once.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::bounded(10_000, 8 << 20))?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
pub struct MemoryStore {
    shards: Box<[Shard]>,
    directory: PrincipalIndex,
    space: Space,
    /// The time that a caller spoke of last: what garbage is judged by between sweeps. Not the latest ever, or a clock
    /// that ran ahead once would make garbage of live sessions for good.
    caught_up_to: AtomicU64,
    /// The shard that the last sweep broke off in.
    sweeping: AtomicUsize,
    /// When room was last looked for in vain: a flood that is refused need not look again at once.
    searched: AtomicU64,
    encoded: bool,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// A store of at most 1,000,000 sessions and 256 MiB.
    pub fn new() -> Self {
        Self::bounded(1_000_000, 256 << 20)
    }

    /// A store of at most `sessions` entries, tombstones included, and about `bytes` bytes.
    pub fn bounded(sessions: usize, bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::new()).collect(),
            directory: PrincipalIndex::new(),
            space: Space::new(sessions, bytes),
            caught_up_to: AtomicU64::new(0),
            sweeping: AtomicUsize::new(0),
            searched: AtomicU64::new(u64::MAX),
            encoded: false,
        }
    }

    /// The same store, keeping each session as bytes and decoding them at every read, as a store outside the process does.
    pub fn encoded(mut self) -> Self {
        self.encoded = true;
        self
    }

    /// How many entries there are, tombstones included.
    pub fn len(&self) -> usize {
        self.space.sessions()
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the entries take.
    pub fn bytes(&self) -> usize {
        self.space.bytes()
    }

    fn shard(&self, id: PublicId) -> &Shard {
        &self.shards[shard_of(id)]
    }

    fn caught_up_to(&self) -> Timestamp {
        Timestamp::from_millis(self.caught_up_to.load(Ordering::Relaxed))
    }

    /// What is garbage at this time is so without doubt.
    fn long_past(&self) -> Timestamp {
        Timestamp::from_millis(self.caught_up_to().as_millis().saturating_sub(SLACK))
    }

    fn hear(&self, now: Timestamp) {
        self.caught_up_to.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Forgets entries that were taken out of a shard. Called without any lock loaded.
    fn discard(&self, removed: Vec<(PublicId, Slot)>) {
        for (id, slot) in removed {
            self.space.release(1, slot.bytes());
            if let Some(principal) = slot.principal() {
                self.directory.remove(principal, id);
            }
        }
    }

    /// Makes room for `bytes` more in `sessions` more entries, or says that there is none.
    fn reserve(&self, sessions: usize, bytes: usize) -> Result<(), StoreError> {
        if self.space.reserve(sessions, bytes) {
            return Ok(());
        }
        let now = self.caught_up_to();
        if self.searched.load(Ordering::Relaxed) == now.as_millis() {
            return Err(StoreError::not_sent(StoreErrorKind::Full));
        }
        let worthless: [&dyn Fn(&Slot) -> bool; 2] =
            [&|slot| slot.is_garbage(now), &Slot::is_tombstone];
        for goes in worthless {
            for shard in &self.shards {
                self.discard(shard.look_over(SEARCH, goes));
                if self.space.reserve(sessions, bytes) {
                    return Ok(());
                }
            }
        }
        self.searched.store(now.as_millis(), Ordering::Relaxed);
        Err(StoreError::not_sent(StoreErrorKind::Full))
    }

    /// Gives back what the end of session `id` freed.
    fn freeing<T>(
        &self,
        id: PublicId,
        ended: Result<(T, Option<Freed>), StoreError>,
    ) -> Result<T, StoreError> {
        let (answer, freed) = ended?;
        if let Some(freed) = freed {
            // There is a tombstone now, which may have to make room.
            self.searched.store(u64::MAX, Ordering::Relaxed);
            self.space.release(0, freed.bytes);
            if let Some(principal) = freed.principal {
                self.directory.remove(principal, id);
            }
        }
        Ok(answer)
    }

    fn try_insert(&self, id: PublicId, record: Record) -> Result<Inserted, StoreError> {
        self.hear(record.created());
        let slot = Slot::new(Stored::Live(record), self.encoded)?;
        let bytes = slot.bytes();
        self.reserve(1, bytes)?;
        let now = self.long_past();
        let (inserted, removed) =
            self.shard(id).insert(id, slot, LOOK_OVER, |slot| slot.is_garbage(now));
        if inserted == Inserted::Taken {
            self.space.release(1, bytes);
        }
        if !removed.is_empty() {
            self.discard(removed);
        }
        Ok(inserted)
    }

    fn try_replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Result<Swap, StoreError> {
        let mut slot = Slot::new(Stored::Live(record), self.encoded)?;
        let (new, mut growth) = (slot.bytes(), 0);
        let mut swap = self.swap(id, expected, &mut slot, |needed| {
            growth = needed;
            self.space.reserve(0, needed)
        });
        if swap.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Full) {
            // Garbage is looked for without this shard's lock. A revision never changes its size, so that much will do.
            self.reserve(0, growth)?;
            swap = self.swap(id, expected, &mut slot, |needed| needed == growth);
            if !matches!(swap, Ok(Swap::Done)) {
                self.space.release(0, growth);
            }
        }
        if matches!(swap, Ok(Swap::Done)) {
            self.space.release(0, slot.bytes().saturating_sub(new));
        }
        swap
    }

    fn swap(
        &self,
        id: PublicId,
        expected: Revision,
        slot: &mut Slot,
        fits: impl FnOnce(usize) -> bool,
    ) -> Result<Swap, StoreError> {
        self.shard(id).with(id, |present| match present {
            None => Ok(Swap::Gone),
            Some(present) => present.replace(expected, slot, fits),
        })
    }

    /// The directory is outside the bounds, so it takes nobody in whose session could not be kept.
    fn try_admit(&self, admission: IndexLogin) -> Result<Indexed, StoreError> {
        if self.shard(admission.id).with(admission.id, |slot| slot.is_none()) {
            self.reserve(1, 0)?;
            self.space.release(1, 0);
        }
        self.directory.look_over(&admission.principal, self.long_past());
        Ok(self.directory.index_login(admission))
    }

    fn try_scan(&self, page: Page) -> Result<Vec<(PublicId, Stored)>, StoreError> {
        let mut found = Vec::new();
        for shard in &self.shards[page.starts_after().map_or(0, shard_of)..] {
            if found.len() == page.limit() {
                break;
            }
            found.extend(shard.page(page.starts_after(), page.limit() - found.len())?);
        }
        Ok(found)
    }

    fn sweep_entries(&self, now: Timestamp, limit: usize) -> usize {
        let first = self.sweeping.load(Ordering::Relaxed);
        let mut swept = 0;
        for index in (first..SHARDS).chain(0..first) {
            let removed = self.shards[index].sweep(limit - swept, |slot| slot.is_garbage(now));
            swept += removed.len();
            self.discard(removed);
            if swept == limit {
                self.sweeping.store(index, Ordering::Relaxed);
                break;
            }
        }
        swept
    }
}

/// Shards are ranges of ids in ascending order, so that a scan need not look at all of them.
fn shard_of(id: PublicId) -> usize {
    usize::from(id.as_bytes()[0])
}

impl Store for MemoryStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        Io::ready(self.try_insert(id, record))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        Io::ready(self.shard(id).with(id, |slot| slot.map(|slot| slot.load()).transpose()))
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        Io::ready(self.try_replace(id, expected, record))
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        let touched = self.shard(id).with(id, |slot| match slot {
            Some(slot) => slot.touch(expected, deadline),
            None => Ok(false),
        });
        Io::ready(touched)
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.hear(ending.at());
        Io::ready(
            self.freeing(
                id,
                self.shard(id).end(id, |slot| slot.end_if(expected, ending), Swap::Gone),
            ),
        )
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.hear(ending.at());
        Io::ready(self.freeing(id, self.shard(id).end(id, |slot| slot.end(ending), Ended::Absent)))
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        Io::ready(self.try_admit(admission))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.directory.revoke_before(principal, before, until);
        Io::ready(Ok(()))
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        Io::ready(Ok(self.directory.sessions_of(principal, page)))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let scanned = Page::of_scan(from, limit)
            .and_then(|page| self.try_scan(page).map(|entries| Scanned::in_order(entries, page)));
        Io::ready(scanned)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.hear(now);
        let swept = self.sweep_entries(now, limit);
        if swept < limit {
            self.directory.sweep(now);
        }
        Io::ready(Ok(swept))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        Io::ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("entries", &self.len())
            .field("bytes", &self.bytes())
            .finish()
    }
}

#[cfg(test)]
mod tests;
