//! Sessions in this process's memory.

mod contract;
mod index;
mod shard;
mod slot;
mod space;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use index::Change;
pub use index::PrincipalIndex;
use shard::{Freed, Shard};
use slot::{OVERHEAD, Slot};
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
/// How many entries of each shard a full store checks for garbage before a session gives way, and
/// how many for tombstones.
const CHECKED_WHEN_FULL: usize = 32;
/// For how many milliseconds a full store that found nothing to remove does not check every entry
/// again.
const PAUSE: u64 = 1_000;

/// Keeps sessions in this process's memory.
///
/// For tests and demos, and for a single process whose sessions can end with it. Every answer is
/// ready at once, and values stay typed: no read decodes them. To share one store, between two
/// kinds of session for example, share an `Arc` of it.
///
/// **Bounded**: by default to a million sessions and 256 MiB, the principal index included. When
/// the store is full, it removes in this order:
///
/// 1. garbage;
/// 2. tombstones, after which the holders of their keys are no longer told why their session ended;
/// 3. sessions to which no client has come back, oldest first: the key was never presented since
///    the session was created, and no one signed in on it. Clients that keep no cookies leave such
///    sessions behind, one with each request.
///
/// If that frees too little, a new session, or a write that grows one, is refused with
/// [`StoreErrorKind::Full`], which a client sees as status 503, and
/// [`health`](crate::Store::health) reports it. A session whose key was presented once is never
/// removed while it is live.
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
    /// The time at which a search for garbage and tombstones last failed, so that a flood of new
    /// sessions does not cause a search for each; `u64::MAX` for never.
    searched_at: AtomicU64,
    /// The time at which every entry was last checked in vain; `u64::MAX` for never.
    all_checked_at: AtomicU64,
    /// Whether the last call that needed room was refused.
    refuses: AtomicBool,
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
    ///
    /// A value counts for the memory that its type needs, as far as its `Serialize` shows: text,
    /// numbers, options, and the elements of lists and maps with their real size and the room in
    /// which collections grow. What it does not show is not counted: skipped fields, capacity that
    /// was reserved and never used, and boxes around single numbers. With values of which that is
    /// much, use [`with_encoded_values`](Self::with_encoded_values), which counts bytes.
    pub fn bounded(max_sessions: usize, max_bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::new()).collect(),
            index: PrincipalIndex::new(),
            space: Space::new(max_sessions, max_bytes),
            last_time: AtomicU64::new(0),
            next_swept: AtomicUsize::new(0),
            searched_at: AtomicU64::new(u64::MAX),
            all_checked_at: AtomicU64::new(u64::MAX),
            refuses: AtomicBool::new(false),
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
    fn discard(&self, removed: impl IntoIterator<Item = (PublicId, Slot)>) {
        for (id, slot) in removed {
            self.space.release(1, slot.bytes());
            if let Some(principal) = slot.principal() {
                self.count(self.index.remove(principal, id));
            }
        }
    }

    /// Counts a change of the index for which no room was reserved.
    fn count(&self, change: Change) {
        self.space.exceed(change.grown);
        self.space.release(0, change.freed);
    }

    /// Reserves room for `sessions` more entries and `bytes` more bytes, which session `id` needs.
    /// Other entries are removed if there is no room.
    fn reserve(&self, id: PublicId, sessions: usize, bytes: usize) -> Result<(), StoreError> {
        if self.space.reserve(sessions, bytes) {
            return Ok(());
        }
        let fits = || self.space.reserve(sessions, bytes);
        let is_possible = self.space.could_hold(sessions, bytes);
        let reserved = is_possible
            && (self.remove_some_dead(&fits)
                || self.remove_waiting(id, &fits)
                || self.remove_all_dead(&fits));
        if is_possible {
            self.refuses.store(!reserved, Ordering::Relaxed);
        }
        if reserved { Ok(()) } else { Err(StoreError::not_sent(StoreErrorKind::Full)) }
    }

    /// Looks for garbage and tombstones among some of the entries.
    fn remove_some_dead(&self, fits: &dyn Fn() -> bool) -> bool {
        let now = self.last_time().as_millis();
        self.searched_at.load(Ordering::Relaxed) != now && self.remove_dead(CHECKED_WHEN_FULL, fits)
    }

    /// Looks for garbage and tombstones among all entries, unless it just did.
    fn remove_all_dead(&self, fits: &dyn Fn() -> bool) -> bool {
        let now = self.last_time();
        if self.all_checked_at.load(Ordering::Relaxed).abs_diff(now.as_millis()) < PAUSE {
            return false;
        }
        self.count(self.index.sweep_counted(now));
        let found = fits() || self.remove_dead(usize::MAX, fits);
        if !found {
            self.all_checked_at.store(now.as_millis(), Ordering::Relaxed);
        }
        found
    }

    /// Removes garbage, and then tombstones, among `count` entries of each shard.
    fn remove_dead(&self, count: usize, fits: &dyn Fn() -> bool) -> bool {
        let now = self.last_time();
        let removable: [&dyn Fn(&Slot) -> bool; 2] =
            [&|slot| slot.is_garbage(now), &Slot::is_tombstone];
        for is_removable in removable {
            for shard in &self.shards {
                self.discard(shard.check(count, is_removable));
                if fits() {
                    return true;
                }
            }
        }
        self.searched_at.store(now.as_millis(), Ordering::Relaxed);
        false
    }

    /// Removes sessions to which no client has come back, oldest first, but not session `id`.
    fn remove_waiting(&self, id: PublicId, fits: &dyn Fn() -> bool) -> bool {
        loop {
            let waiting =
                self.shards.iter().filter_map(|shard| Some((shard.oldest_waiting(id)?, shard)));
            let Some((_, shard)) = waiting.min_by_key(|(since, _)| *since) else { return false };
            self.discard(shard.remove_oldest_waiting(id));
            if fits() {
                return true;
            }
        }
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
            self.searched_at.store(u64::MAX, Ordering::Relaxed);
            self.all_checked_at.store(u64::MAX, Ordering::Relaxed);
            self.refuses.store(false, Ordering::Relaxed);
            self.space.release(0, freed.bytes);
            if let Some(principal) = freed.principal {
                self.count(self.index.remove(principal, id));
            }
        }
        Ok(answer)
    }

    fn try_insert(&self, id: PublicId, record: Record) -> Result<Inserted, StoreError> {
        self.set_time(record.created());
        let slot = Slot::new(Stored::Live(record), self.encodes)?;
        let bytes = slot.bytes();
        self.reserve(id, 1, bytes)?;
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
        now: Timestamp,
    ) -> Result<Swap, StoreError> {
        self.set_time(now);
        let mut slot = Slot::new(Stored::Live(record), self.encodes)?;
        let (new, mut growth) = (slot.bytes(), 0);
        let mut swap = self.swap(id, expected, &mut slot, |needed| {
            growth = needed;
            self.space.reserve(0, needed)
        });
        if swap.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Full) {
            // Room is made without this shard's lock. The size of a revision never changes, so the
            // second attempt needs as much as the first.
            self.reserve(id, 0, growth)?;
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

    /// Refuses sessions for which there is no room.
    fn try_index_login(&self, login: IndexLogin) -> Result<Indexed, StoreError> {
        if let Some(now) = login.now {
            self.set_time(now);
        }
        let is_new = self.shard(login.id).with(login.id, |slot| slot.is_none());
        let bytes = self.index.bytes_for(&login);
        self.reserve(login.id, usize::from(is_new), bytes)?;
        let (indexed, change) = self.index.index_login_at(login, self.time_with_slack());
        self.count(change);
        self.space.release(usize::from(is_new), bytes);
        Ok(indexed)
    }

    /// True if a new session would be refused for lack of room.
    fn is_full(&self) -> bool {
        self.refuses.load(Ordering::Relaxed) && !self.space.fits(1, OVERHEAD)
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
