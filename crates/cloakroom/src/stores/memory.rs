//! Sessions in this process's memory.

mod contract;
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
use crate::record::{Record, Revision, Stored};
use crate::store::{IndexLogin, Indexed, Inserted, Page, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// The number of shards, each with a lock of its own: one for each first byte of an id.
const SHARDS: usize = 256;
/// How many entries of its shard an insert checks for garbage.
const CHECKED_PER_INSERT: usize = 8;
/// For how many milliseconds inserts leave garbage alone: the nodes' clocks differ, and a key that
/// is presented just after its deadline should still be reported as expired.
const SLACK: u64 = 60_000;
/// How many entries of each shard are checked before a full store refuses a session; once for
/// garbage, and once for tombstones.
const CHECKED_WHEN_FULL: usize = 32;

/// Keeps sessions in this process's memory.
///
/// For tests and demos, and for a single process whose sessions can end with it. Every answer is
/// ready at once, and values stay typed: they are encoded only to be measured.
///
/// **Bounded**: by default to a million sessions and 256 MiB. When the store is full, it removes
/// garbage first and then tombstones, after which the holders of their keys are no longer told why
/// their session ended. If that frees too little, a new session, or a write that grows one, is
/// refused with [`StoreErrorKind::Full`], which a client sees as status 503. A live session is
/// never evicted.
///
/// **Expiry**: each insert checks eight entries of its shard and removes those that have expired.
/// There is no background task and no pause; [`Sessions::sweep`](crate::Sessions::sweep) removes
/// everything that has expired.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::bounded(10_000, 8 << 20))?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
pub struct MemoryStore {
    shards: Box<[Shard]>,
    index: PrincipalIndex,
    space: Space,
    /// The time that a caller last passed in, by which garbage is judged between sweeps. It is not
    /// the latest time ever: a clock that once ran ahead would make garbage of live sessions.
    last_time: AtomicU64,
    /// The shard in which the last sweep stopped.
    next_swept: AtomicUsize,
    /// The time at which a search for room last failed, so that a flood of refused sessions does
    /// not cause a search for each; `u64::MAX` for never.
    full_at: AtomicU64,
    encodes: bool,
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

    /// A store of at most `max_sessions` entries, with tombstones, and about `max_bytes` bytes.
    pub fn bounded(max_sessions: usize, max_bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::new()).collect(),
            index: PrincipalIndex::new(),
            space: Space::new(max_sessions, max_bytes),
            last_time: AtomicU64::new(0),
            next_swept: AtomicUsize::new(0),
            full_at: AtomicU64::new(u64::MAX),
            encodes: false,
        }
    }

    /// Keeps each session as bytes and decodes it at every read, as a store outside the process
    /// does.
    pub fn with_encoded_values(mut self) -> Self {
        self.encodes = true;
        self
    }

    /// The number of entries, with tombstones.
    pub fn len(&self) -> usize {
        self.space.sessions()
    }

    /// Returns true if there is no entry.
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

    fn last_time(&self) -> Timestamp {
        Timestamp::from_millis(self.last_time.load(Ordering::Relaxed))
    }

    fn set_time(&self, now: Timestamp) {
        self.last_time.store(now.as_millis(), Ordering::Relaxed);
    }

    /// A time at which an entry is garbage even if clocks differ.
    fn time_with_slack(&self) -> Timestamp {
        Timestamp::from_millis(self.last_time().as_millis().saturating_sub(SLACK))
    }

    /// Frees what entries that were removed from a shard took. Called without a lock.
    fn discard(&self, removed: Vec<(PublicId, Slot)>) {
        for (id, slot) in removed {
            self.space.release(1, slot.bytes());
            if let Some(principal) = slot.principal() {
                self.index.remove(principal, id);
            }
        }
    }

    /// Reserves room for `sessions` more entries and `bytes` more bytes, removing garbage and
    /// tombstones if needed.
    fn reserve(&self, sessions: usize, bytes: usize) -> Result<(), StoreError> {
        if self.space.reserve(sessions, bytes) {
            return Ok(());
        }
        let now = self.last_time();
        if self.full_at.load(Ordering::Relaxed) == now.as_millis() {
            return Err(StoreError::not_sent(StoreErrorKind::Full));
        }
        let removable: [&dyn Fn(&Slot) -> bool; 2] =
            [&|slot| slot.is_garbage(now), &Slot::is_tombstone];
        for is_removable in removable {
            for shard in &self.shards {
                self.discard(shard.check(CHECKED_WHEN_FULL, is_removable));
                if self.space.reserve(sessions, bytes) {
                    return Ok(());
                }
            }
        }
        self.full_at.store(now.as_millis(), Ordering::Relaxed);
        Err(StoreError::not_sent(StoreErrorKind::Full))
    }

    /// Releases what the end of session `id` freed.
    fn release_ended<T>(
        &self,
        id: PublicId,
        ended: Result<(T, Option<Freed>), StoreError>,
    ) -> Result<T, StoreError> {
        let (answer, freed) = ended?;
        if let Some(freed) = freed {
            // The new tombstone can be removed to make room.
            self.full_at.store(u64::MAX, Ordering::Relaxed);
            self.space.release(0, freed.bytes);
            if let Some(principal) = freed.principal {
                self.index.remove(principal, id);
            }
        }
        Ok(answer)
    }

    fn try_insert(&self, id: PublicId, record: Record) -> Result<Inserted, StoreError> {
        self.set_time(record.created());
        let slot = Slot::new(Stored::Live(record), self.encodes)?;
        let bytes = slot.bytes();
        self.reserve(1, bytes)?;
        let now = self.time_with_slack();
        let (inserted, removed) =
            self.shard(id).insert(id, slot, CHECKED_PER_INSERT, |slot| slot.is_garbage(now));
        if inserted == Inserted::Taken {
            self.space.release(1, bytes);
        }
        self.discard(removed);
        Ok(inserted)
    }

    fn try_replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Result<Swap, StoreError> {
        let mut slot = Slot::new(Stored::Live(record), self.encodes)?;
        let (new, mut growth) = (slot.bytes(), 0);
        let mut swap = self.swap(id, expected, &mut slot, |needed| {
            growth = needed;
            self.space.reserve(0, needed)
        });
        if swap.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Full) {
            // Room is made without this shard's lock. The size of a revision never changes, so the
            // second attempt needs as much as the first.
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

    /// The index does not count towards the limits, so it refuses sessions for which there is no
    /// room.
    fn try_index_login(&self, login: IndexLogin) -> Result<Indexed, StoreError> {
        if self.shard(login.id).with(login.id, |slot| slot.is_none()) {
            self.reserve(1, 0)?;
            self.space.release(1, 0);
        }
        self.index.remove_some_expired(&login.principal, self.time_with_slack());
        Ok(self.index.index_login(login))
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
        let first = self.next_swept.load(Ordering::Relaxed);
        let mut swept = 0;
        for index in (first..SHARDS).chain(0..first) {
            let removed = self.shards[index].sweep(limit - swept, |slot| slot.is_garbage(now));
            swept += removed.len();
            self.discard(removed);
            if swept == limit {
                self.next_swept.store(index, Ordering::Relaxed);
                break;
            }
        }
        swept
    }
}

/// Shards are ranges of ids in ascending order, so that a scan can skip those before its start.
fn shard_of(id: PublicId) -> usize {
    usize::from(id.as_bytes()[0])
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
