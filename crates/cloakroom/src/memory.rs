//! Sessions in this process's memory.

mod directory;
mod shard;
mod slot;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use directory::Directory;
use shard::Shard;
use slot::Slot;

use crate::io::Io;
use crate::key::SessionId;
use crate::principal::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{Admission, Ended, Inserted, Page, Store, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// Shards, each behind its own lock. A power of two.
const SHARDS: usize = 64;
/// Slots that an insert looks over for garbage, in the shard it has locked anyway.
const LOOK_OVER: usize = 8;
/// How long garbage is left alone between sweeps: clocks differ, and what is read a moment late is told "expired".
const SLACK: u64 = 60_000;
/// Slots that are looked over, shard by shard, before a full store refuses anything.
const SEARCH: usize = 512;

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
/// # use cloakroom::{Map, MemoryStore, Sessions};
/// let sessions: Sessions<Map> = Sessions::new(MemoryStore::bounded(10_000, 8 << 20))?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
pub struct MemoryStore {
    shards: [Shard; SHARDS],
    directory: Directory,
    space: Space,
    /// The latest time that any caller spoke of: what garbage is judged by between sweeps.
    heard: AtomicU64,
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
            shards: [const { Shard::new() }; SHARDS],
            directory: Directory::new(),
            space: Space { sessions: Gauge::new(sessions), bytes: Gauge::new(bytes) },
            heard: AtomicU64::new(0),
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
        self.space.sessions.used()
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the entries take.
    pub fn bytes(&self) -> usize {
        self.space.bytes.used()
    }

    fn shard(&self, id: SessionId) -> &Shard {
        &self.shards[usize::from(id.as_bytes()[0]) % SHARDS]
    }

    fn heard(&self) -> Timestamp {
        Timestamp::from_millis(self.heard.load(Ordering::Relaxed))
    }

    /// What is garbage at this time is so without doubt.
    fn long_past(&self) -> Timestamp {
        Timestamp::from_millis(self.heard().as_millis().saturating_sub(SLACK))
    }

    fn hear(&self, now: Timestamp) {
        self.heard.fetch_max(now.as_millis(), Ordering::Relaxed);
    }

    /// Forgets entries that were taken out of a shard. Called without any lock held.
    fn discard(&self, removed: Vec<(SessionId, Slot)>) {
        for (id, slot) in removed {
            self.space.release(1, slot.bytes());
            if let Some(principal) = slot.principal() {
                self.directory.remove(&principal, id);
            }
        }
    }

    /// Makes room for `bytes` more in `sessions` more entries, or says that there is none.
    fn reserve(&self, sessions: usize, bytes: usize) -> Result<(), StoreError> {
        if self.space.reserve(sessions, bytes) {
            return Ok(());
        }
        let now = self.heard();
        for shard in &self.shards {
            self.discard(shard.look_over(SEARCH, |slot| slot.is_garbage(now) || slot.is_tombstone()));
            if self.space.reserve(sessions, bytes) {
                return Ok(());
            }
        }
        Err(StoreError::not_sent(StoreErrorKind::Full))
    }

    fn try_insert(&self, id: SessionId, record: Record) -> Result<Inserted, StoreError> {
        self.hear(record.created());
        let slot = Slot::new(Stored::Live(record), self.encoded)?;
        let bytes = slot.bytes();
        self.reserve(1, bytes)?;
        let now = self.long_past();
        let (inserted, removed) = self.shard(id).insert(id, slot, LOOK_OVER, |slot| slot.is_garbage(now));
        if inserted == Inserted::Taken {
            self.space.release(1, bytes);
        }
        self.discard(removed);
        Ok(inserted)
    }

    fn try_replace(&self, id: SessionId, expected: Revision, record: Record) -> Result<Swap, StoreError> {
        let slot = Slot::new(Stored::Live(record), self.encoded)?;
        let new = slot.bytes();
        // Room is made before the lock is taken: for the growth, as far as it is known by then.
        let old = self.shard(id).with(id, |slot| slot.map_or(0, |slot| slot.bytes()));
        let growth = new.saturating_sub(old);
        self.reserve(0, growth)?;
        let (swap, replaced) = self.shard(id).replace(id, expected, slot)?;
        match replaced {
            Some(replaced) => self.space.settle(growth, new, replaced.bytes()),
            None => self.space.release(0, growth),
        }
        Ok(swap)
    }
}

impl Store for MemoryStore {
    fn insert(&self, id: SessionId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        Io::ready(self.try_insert(id, record))
    }

    fn get(&self, id: SessionId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        Io::ready(self.shard(id).with(id, |slot| slot.map(|slot| slot.load()).transpose()))
    }

    fn replace(&self, id: SessionId, expected: Revision, record: Record) -> Io<'_, Result<Swap, StoreError>> {
        Io::ready(self.try_replace(id, expected, record))
    }

    fn touch(
        &self,
        id: SessionId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        let touched = self.shard(id).with(id, |slot| match slot {
            Some(slot) => slot.touch(expected, deadline),
            None => Ok(false),
        });
        Io::ready(touched)
    }

    fn end(&self, id: SessionId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.hear(ending.at());
        let ended = self.shard(id).end(id, ending);
        Io::ready(ended.map(|(ended, freed)| {
            if let Some(freed) = freed {
                self.space.release(0, freed.bytes);
                if let Some(principal) = freed.principal {
                    self.directory.remove(&principal, id);
                }
            }
            ended
        }))
    }

    fn admit(&self, admission: Admission) -> Io<'_, Result<(), StoreError>> {
        self.directory.admit(admission, self.long_past());
        Io::ready(Ok(()))
    }

    fn ids_of(&self, principal: &Principal, page: Page) -> Io<'_, Result<Vec<SessionId>, StoreError>> {
        Io::ready(Ok(self.directory.ids_of(principal, page)))
    }

    fn scan(&self, page: Page) -> Io<'_, Result<Vec<(SessionId, Stored)>, StoreError>> {
        let mut smallest = BTreeMap::new();
        for shard in &self.shards {
            shard.each(|id, slot| {
                if page.starts_after().is_none_or(|after| id > after) {
                    smallest.insert(id, slot.load());
                    if smallest.len() > page.limit() {
                        smallest.pop_last();
                    }
                }
            });
        }
        Io::ready(smallest.into_iter().map(|(id, stored)| stored.map(|stored| (id, stored))).collect())
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.hear(now);
        let mut swept = 0;
        for shard in &self.shards {
            if swept == limit {
                break;
            }
            let removed = shard.sweep(limit - swept, |slot| slot.is_garbage(now));
            swept += removed.len();
            self.discard(removed);
        }
        self.directory.sweep(now);
        Io::ready(Ok(swept))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        Io::ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("entries", &self.len()).field("bytes", &self.bytes()).finish()
    }
}

/// What is taken, of what there is.
struct Space {
    sessions: Gauge,
    bytes: Gauge,
}

impl Space {
    fn reserve(&self, sessions: usize, bytes: usize) -> bool {
        if !self.sessions.take(sessions) {
            return false;
        }
        let taken = self.bytes.take(bytes);
        if !taken {
            self.sessions.give(sessions);
        }
        taken
    }

    fn release(&self, sessions: usize, bytes: usize) {
        self.sessions.give(sessions);
        self.bytes.give(bytes);
    }

    /// Corrects a reservation of `reserved` to what really changed: `new` in place of `old`.
    fn settle(&self, reserved: usize, new: usize, old: usize) {
        self.bytes.give(reserved.saturating_add(old).saturating_sub(new));
        // The entry shrank between the look and the write: the rest was not reserved, and is there already.
        self.bytes.add(new.saturating_sub(reserved.saturating_add(old)));
    }
}

struct Gauge {
    used: AtomicUsize,
    bound: usize,
}

impl Gauge {
    const fn new(bound: usize) -> Self {
        Self { used: AtomicUsize::new(0), bound }
    }

    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, amount: usize) -> bool {
        let grown = |used: usize| used.checked_add(amount).filter(|sum| amount == 0 || *sum <= self.bound);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    fn add(&self, amount: usize) {
        self.used.fetch_add(amount, Ordering::Relaxed);
    }

    fn give(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
