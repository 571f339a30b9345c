//! Some of the sessions: their cached records, and the reads and writes in flight.

use std::collections::HashMap;

use futures_channel::oneshot;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Record, Revision};
use crate::time::{Timestamp, WaitLimit};

/// About how many bytes an entry takes in addition to its value and to the texts in its record.
const OVERHEAD: usize = 500;
/// A value is only kept decoded within the room that was counted for it. This much, and twice the
/// bytes of the value, is enough for most; what needs more is given it at its next lookup.
const LEAST_ROOM: usize = 128;
/// Into how many entries the capacity is divided at least: a value that would take more is not
/// kept decoded.
const FEWEST: u64 = 4;

/// A caller that waits for another caller's read.
pub(super) type Follower = oneshot::Sender<Option<Record>>;

pub(super) struct Shard {
    entries: Cache<PublicId, CachedEntry, WeighEntry>,
    capacity: u64,
    /// Sessions for which a read or a write is in flight.
    in_flight: HashMap<PublicId, InFlight>,
    hits: u64,
    misses: u64,
}

struct CachedEntry {
    record: Record,
    /// When the read that returned the record began.
    read_at: Timestamp,
    /// How many bytes the value may take that is kept decoded.
    room: usize,
}

/// A read that others wait for.
struct SharedRead {
    generation: u64,
    began: Timestamp,
    followers: Vec<Follower>,
}

#[derive(Default)]
struct InFlight {
    /// The number of reads and writes.
    count: usize,
    /// Incremented by every change that this node learns of: a read that began in an earlier
    /// generation may have missed the change.
    generation: u64,
    /// Reads that others wait for.
    shared_reads: Vec<SharedRead>,
    /// The revisions that this node is writing; the store's reports of them are not news.
    own_revisions: Vec<Revision>,
}

impl CachedEntry {
    fn new(record: Record, read_at: Timestamp) -> Self {
        let Some(bytes) = record.payload().as_bytes().map(<[u8]>::len) else {
            return Self { record, read_at, room: 0 };
        };
        // No one has measured a value that is decoded already.
        let record = if record.payload().is_decoded() {
            record.edited(|fields| fields.payload = fields.payload.without_decoded())
        } else {
            record
        };
        let room = LEAST_ROOM + 2 * bytes;
        record.payload().grant_room(room);
        Self { record, read_at, room }
    }
}

#[derive(Clone)]
struct WeighEntry;

impl Weighter<PublicId, CachedEntry> for WeighEntry {
    fn weight(&self, _: &PublicId, entry: &CachedEntry) -> u64 {
        weight(&entry.record, entry.room)
    }
}

fn weight(record: &Record, room: usize) -> u64 {
    // A value that could not be measured could not be stored either.
    let value = record.payload().memory().unwrap_or(usize::MAX / 4);
    let memory = OVERHEAD + record.memory();
    u64::try_from(memory.saturating_add(value).saturating_add(room)).unwrap_or(u64::MAX / 4)
}

impl Shard {
    pub(super) fn new(bytes: u64) -> Self {
        let likely = usize::try_from(bytes).unwrap_or(usize::MAX) / (2 * OVERHEAD);
        let entries = Cache::with_weighter(likely, bytes, WeighEntry);
        Self { entries, capacity: bytes, in_flight: HashMap::new(), hits: 0, misses: 0 }
    }

    pub(super) fn lookup(
        &mut self,
        id: PublicId,
        is_current: impl Fn(Timestamp) -> bool,
    ) -> Option<Record> {
        let found = self.entries.get(&id).filter(|entry| is_current(entry.read_at));
        let record = found.map(|entry| entry.record.clone());
        *(if record.is_some() { &mut self.hits } else { &mut self.misses }) += 1;
        if let Some(wanted) = record.as_ref().and_then(|record| record.payload().wanted_room()) {
            self.give_room(id, wanted);
        }
        record
    }

    /// Counts the room that the decoded value of an entry wants, and only then gives it.
    fn give_room(&mut self, id: PublicId, room: usize) {
        let Some(mut entry) = self.entries.get_mut(&id) else { return };
        let room = if weight(&entry.record, room) <= self.capacity / FEWEST { room } else { 0 };
        entry.room = room;
        let payload = entry.record.payload().clone();
        // Its weight is counted when `entry` is dropped.
        drop(entry);
        payload.grant_room(room);
    }

    /// Begins a read that others can join, and returns its generation; or joins one that began
    /// after every known change, and not so long before `now` that its caller may be gone.
    pub(super) fn join_read(
        &mut self,
        id: PublicId,
        now: Timestamp,
    ) -> Result<u64, oneshot::Receiver<Option<Record>>> {
        let in_flight = self.in_flight.entry(id).or_default();
        let generation = in_flight.generation;
        if let Some(read) = in_flight
            .shared_reads
            .iter_mut()
            .find(|read| read.generation == generation && now.since(read.began) < WaitLimit::LENGTH)
        {
            let (sender, receiver) = oneshot::channel();
            read.followers.push(sender);
            return Err(receiver);
        }
        in_flight.count += 1;
        in_flight.shared_reads.push(SharedRead { generation, began: now, followers: Vec::new() });
        Ok(generation)
    }

    /// Begins a read or a write, and returns its generation.
    pub(super) fn begin(&mut self, id: PublicId, own_revision: Option<Revision>) -> u64 {
        let in_flight = self.in_flight.entry(id).or_default();
        in_flight.count += 1;
        in_flight.own_revisions.extend(own_revision);
        in_flight.generation
    }

    /// A read or a write is no longer in flight.
    pub(super) fn end(&mut self, id: PublicId, own_revision: Option<Revision>) {
        let Some(in_flight) = self.in_flight.get_mut(&id) else { return };
        in_flight.count -= 1;
        let is_own = |revision: &Revision| Some(*revision) == own_revision;
        if let Some(at) = in_flight.own_revisions.iter().position(is_own) {
            in_flight.own_revisions.swap_remove(at);
        }
        if in_flight.count == 0 {
            self.in_flight.remove(&id);
        }
    }

    /// Ends the shared read that began then, and returns its followers.
    pub(super) fn take_followers(
        &mut self,
        id: PublicId,
        generation: u64,
        began: Timestamp,
    ) -> Vec<Follower> {
        let Some(in_flight) = self.in_flight.get_mut(&id) else { return Vec::new() };
        let is_it = |read: &SharedRead| (read.generation, read.began) == (generation, began);
        let at = in_flight.shared_reads.iter().position(is_it);
        at.map(|at| in_flight.shared_reads.swap_remove(at).followers).unwrap_or_default()
    }

    /// Caches a record, unless the session has changed since this generation.
    pub(super) fn fill(
        &mut self,
        id: PublicId,
        generation: u64,
        record: Record,
        read_at: Timestamp,
    ) {
        let is_current =
            self.in_flight.get(&id).is_some_and(|in_flight| in_flight.generation == generation);
        let is_newer =
            |entry: &CachedEntry| entry.record.revision().count() > record.revision().count();
        if is_current && !self.entries.peek(&id).is_some_and(is_newer) {
            self.entries.insert(id, CachedEntry::new(record, read_at));
        }
    }

    /// A write that began in this generation was made and its record cached, so reads that began
    /// before it are outdated. Returns false if the session changed in the meantime.
    pub(super) fn finish_write(&mut self, id: PublicId, generation: u64) -> bool {
        let Some(in_flight) = self.in_flight.get_mut(&id) else { return false };
        let is_current = in_flight.generation == generation;
        in_flight.generation += 1;
        is_current
    }

    pub(super) fn touch(&mut self, id: PublicId, expected: Revision, deadline: Timestamp) {
        let Some(mut entry) = self.entries.get_mut(&id) else { return };
        if entry.record.revision() == expected && entry.record.idle_deadline() < deadline {
            entry.record = entry.record.clone().with_idle_deadline(deadline);
        }
    }

    /// The store reports that the session was changed, and given this revision.
    pub(super) fn changed(&mut self, id: PublicId, revision: Option<Revision>) {
        let is_it = |known: &Revision| Some(*known) == revision;
        if self.in_flight.get(&id).is_some_and(|own| own.own_revisions.iter().any(is_it)) {
            return;
        }
        if !self.entries.peek(&id).is_some_and(|entry| is_it(&entry.record.revision())) {
            self.remove(id);
        }
    }

    pub(super) fn remove(&mut self, id: PublicId) {
        self.entries.remove(&id);
        if let Some(in_flight) = self.in_flight.get_mut(&id) {
            in_flight.generation += 1;
        }
    }

    /// Removes the sessions of a principal. A read in flight may have found one of them.
    pub(super) fn remove_of(&mut self, principal: &Principal) {
        self.entries.retain(|_, entry| entry.record.principal() != Some(principal));
        self.in_flight.values_mut().for_each(|in_flight| in_flight.generation += 1);
    }

    pub(super) fn remove_all(&mut self) {
        self.entries.clear();
        self.in_flight.values_mut().for_each(|in_flight| in_flight.generation += 1);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }
}
