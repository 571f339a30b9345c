//! What is remembered, in shards, and how far it is believed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_channel::oneshot;

use super::in_flight::{Reading, Writing};
use super::shard::Shard;
use crate::key::PublicId;
use crate::record::{Record, Revision};
use crate::store::Subscriber;
use crate::time::{Clock, Timestamp};

/// A power of two.
const SHARDS: usize = 32;

pub(super) struct Memory {
    shards: Vec<Mutex<Shard>>,
    belief: Duration,
    clock: Arc<dyn Clock>,
    /// The moment up to which the store has told of all changes, in milliseconds of the clock; 0 if it does not.
    caught_up_to: AtomicU64,
}

/// Who asks the store for a session that several want.
pub(super) enum Boarding {
    /// This one.
    Leads(Reading),
    /// Another, who will say what was found.
    Follows(oneshot::Receiver<Option<Record>>),
}

impl Memory {
    pub(super) fn new(bytes: u64, belief: Duration, clock: Arc<dyn Clock>) -> Self {
        let each = bytes / SHARDS as u64;
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(each))).collect();
        Self { shards, belief, clock, caught_up_to: AtomicU64::new(0) }
    }

    /// The session, if it is remembered and may be believed.
    pub(super) fn look(&self, id: PublicId) -> Option<Record> {
        // Before the shard is locked: what is in it then was right when the store was caught_up_to.
        let caught_up_to = Timestamp::from_millis(self.caught_up_to.load(Ordering::Acquire));
        let now = self.now();
        self.shard(id).look(id, |read| !read.max(caught_up_to).after(self.belief).has_passed(now))
    }

    /// Whether what was read at that moment, and never caught_up_to of again, is still believed.
    pub(super) fn believes(&self, read: Timestamp) -> bool {
        !read.after(self.belief).has_passed(self.now())
    }

    /// Asks for a session together with all others who do.
    pub(super) fn board(self: &Arc<Self>, id: PublicId) -> Boarding {
        let began = self.now();
        let boarded = self.shard(id).board(id);
        match boarded {
            Ok(generation) => Boarding::Leads(Reading::leading(self, id, generation, began)),
            Err(leader) => Boarding::Follows(leader),
        }
    }

    /// A read of this one's own.
    pub(super) fn read(self: &Arc<Self>, id: PublicId) -> Reading {
        let began = self.now();
        let generation = self.shard(id).enter(id, None);
        Reading::alone(self, id, generation, began)
    }

    /// A write that gives the record `revision`, if it gives it one.
    pub(super) fn write(self: &Arc<Self>, id: PublicId, revision: Option<Revision>) -> Writing {
        let began = self.now();
        let generation = self.shard(id).enter(id, revision);
        Writing::new(self, id, generation, revision, began)
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    pub(super) fn hits_and_misses(&self) -> (u64, u64) {
        self.shards
            .iter()
            .map(|shard| lock(shard).hits_and_misses())
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    pub(super) fn shard(&self, id: PublicId) -> MutexGuard<'_, Shard> {
        // The last byte: the first ones may have chosen the server.
        lock(&self.shards[usize::from(id.as_bytes()[15]) % SHARDS])
    }
}

impl Subscriber for Memory {
    fn changed(&self, id: PublicId, revision: Option<Revision>) {
        self.shard(id).change(id, revision);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn caught_up_to(&self, moment: Timestamp) {
        self.caught_up_to.fetch_max(moment.as_millis(), Ordering::AcqRel);
    }

    fn gap(&self) {
        // In this order: what is read from now on is not believed for what was caught_up_to before.
        self.caught_up_to.store(0, Ordering::Release);
        self.shards.iter().for_each(|shard| lock(shard).forget_all());
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("sessions", &self.len())
            .field("belief", &self.belief)
            .finish_non_exhaustive()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
