//! The cached records, in shards, and how long they are trusted.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_channel::oneshot;

use super::in_flight::{ReadInFlight, WriteInFlight};
use super::shard::Shard;
use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Record, Revision};
use crate::store::Subscriber;
use crate::time::{Clock, Timestamp, WaitLimit};

const SHARDS: usize = 32;

pub(super) struct Entries {
    shards: Vec<Mutex<Shard>>,
    max_staleness: Duration,
    clock: Arc<dyn Clock>,
    /// The time up to which the store has reported all changes, in milliseconds of the clock; 0 if
    /// unknown.
    caught_up_to: AtomicU64,
}

/// The role of a caller in a read that several callers share.
pub(super) enum ReadRole {
    /// It asks the store.
    Leader(ReadInFlight),
    /// It waits for the leader's answer.
    Follower(oneshot::Receiver<Option<Record>>),
}

impl Entries {
    pub(super) fn new(capacity_bytes: u64, max_staleness: Duration, clock: Arc<dyn Clock>) -> Self {
        let each = capacity_bytes / SHARDS as u64;
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(each))).collect();
        Self { shards, max_staleness, clock, caught_up_to: AtomicU64::new(0) }
    }

    /// The cached record, unless it is stale.
    pub(super) fn lookup(&self, id: PublicId) -> Option<Record> {
        // Read before the shard is locked: what the shard has then was current at that moment.
        let caught_up_to = Timestamp::from_millis(self.caught_up_to.load(Ordering::Acquire));
        let now = self.now();
        let is_current = |read_at: Timestamp| !self.is_stale(read_at.max(caught_up_to), now);
        self.shard(id).lookup(id, is_current)
    }

    /// Whether a record that was read at that moment, and never confirmed since, is stale.
    pub(super) fn is_stale_since(&self, read_at: Timestamp) -> bool {
        self.is_stale(read_at, self.now())
    }

    fn is_stale(&self, confirmed_at: Timestamp, now: Timestamp) -> bool {
        confirmed_at.after(self.max_staleness).has_passed(now)
    }

    /// Joins the callers that read this session, or becomes their leader.
    pub(super) fn join_read(self: &Arc<Self>, id: PublicId) -> ReadRole {
        let began = self.now();
        let joined = self.shard(id).join_read(id, began);
        match joined {
            Ok(generation) => {
                ReadRole::Leader(ReadInFlight::new(self, id, generation, began, true))
            }
            Err(leader) => ReadRole::Follower(leader),
        }
    }

    /// What the leader of a read answers; `None` if there was no answer for so long that it may
    /// never be polled again.
    pub(super) async fn answer_of(
        &self,
        mut leader: oneshot::Receiver<Option<Record>>,
    ) -> Option<Result<Option<Record>, oneshot::Canceled>> {
        let mut wait_limit = WaitLimit::since(self.now());
        poll_fn(|context| match Pin::new(&mut leader).poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if wait_limit.is_over(&*self.clock, context.waker()) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Begins a read that no one else waits for.
    pub(super) fn begin_read(self: &Arc<Self>, id: PublicId) -> ReadInFlight {
        let began = self.now();
        let generation = self.shard(id).begin(id, None);
        ReadInFlight::new(self, id, generation, began, false)
    }

    /// Begins a write that gives the record `revision`, if it changes the revision.
    pub(super) fn begin_write(
        self: &Arc<Self>,
        id: PublicId,
        revision: Option<Revision>,
    ) -> WriteInFlight {
        let began = self.now();
        let generation = self.shard(id).begin(id, revision);
        WriteInFlight::new(self, id, generation, revision, began)
    }

    /// Forgets the sessions of a principal.
    pub(super) fn forget(&self, principal: &Principal) {
        self.shards.iter().for_each(|shard| lock(shard).remove_of(principal));
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
        // By the last byte: the first ones may have selected the server.
        lock(&self.shards[usize::from(id.as_bytes()[15]) % SHARDS])
    }
}

impl Subscriber for Entries {
    fn changed(&self, id: PublicId, revision: Option<Revision>) {
        self.shard(id).changed(id, revision);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn caught_up_to(&self, moment: Timestamp) {
        self.caught_up_to.fetch_max(moment.as_millis(), Ordering::AcqRel);
    }

    fn gap(&self) {
        // In this order: a record read after the gap must not profit from an earlier confirmation.
        self.caught_up_to.store(0, Ordering::Release);
        self.shards.iter().for_each(|shard| lock(shard).remove_all());
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("sessions", &self.len())
            .field("max_staleness", &self.max_staleness)
            .finish_non_exhaustive()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
