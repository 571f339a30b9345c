//! Reads and writes in flight, and what they leave in the cache when they finish or are dropped.

use std::sync::Arc;

use super::entries::Entries;
use super::shard::{Follower, Shard};
use crate::key::PublicId;
use crate::record::{Record, Revision, Stored};
use crate::store::StoreError;
use crate::time::Timestamp;

/// A read. If it is dropped, the cache stays as it is and its followers ask the store themselves.
pub(super) struct ReadInFlight {
    entries: Arc<Entries>,
    id: PublicId,
    generation: u64,
    began: Timestamp,
    /// Whether followers can wait for it.
    leads: bool,
}

impl ReadInFlight {
    pub(super) fn new(
        entries: &Arc<Entries>,
        id: PublicId,
        generation: u64,
        began: Timestamp,
        leads: bool,
    ) -> Self {
        Self { entries: Arc::clone(entries), id, generation, began, leads }
    }

    /// Caches what was found and passes it to the followers.
    pub(super) fn finish(mut self, answer: &Result<Option<Stored>, StoreError>) {
        let mut shard = self.entries.shard(self.id);
        let found = match answer {
            Ok(Some(Stored::Live(record))) => {
                shard.fill(self.id, self.generation, record.clone(), self.began);
                Some(record)
            }
            Ok(_) => {
                shard.remove(self.id);
                None
            }
            Err(_) => None,
        };
        let followers = self.take_followers(&mut shard);
        drop(shard);
        self.leads = false;
        // If the store was slow, the answer can be too old for followers that joined late.
        let found = found.filter(|_| !self.entries.is_stale_since(self.began));
        for follower in followers {
            // A follower that has stopped waiting needs no answer.
            let _ = follower.send(found.cloned());
        }
    }

    fn take_followers(&self, shard: &mut Shard) -> Vec<Follower> {
        if self.leads {
            shard.take_followers(self.id, self.generation, self.began)
        } else {
            Vec::new()
        }
    }
}

impl Drop for ReadInFlight {
    fn drop(&mut self) {
        let mut shard = self.entries.shard(self.id);
        let followers = self.take_followers(&mut shard);
        shard.end(self.id, None);
        // Not under the lock: dropping a follower's sender wakes it.
        drop(shard);
        drop(followers);
    }
}

/// A write. If it is dropped, the session is removed from the cache, because the write may have
/// happened or may still happen.
pub(super) struct WriteInFlight {
    entries: Arc<Entries>,
    id: PublicId,
    generation: u64,
    revision: Option<Revision>,
    began: Timestamp,
    keeps_entry: bool,
}

impl WriteInFlight {
    pub(super) fn new(
        entries: &Arc<Entries>,
        id: PublicId,
        generation: u64,
        revision: Option<Revision>,
        began: Timestamp,
    ) -> Self {
        Self { entries: Arc::clone(entries), id, generation, revision, began, keeps_entry: false }
    }

    /// The record was written. It is cached, unless the session changed in the meantime.
    pub(super) fn finish(mut self, record: Record) {
        let mut shard = self.entries.shard(self.id);
        shard.fill(self.id, self.generation, record, self.began);
        self.keeps_entry = shard.finish_write(self.id, self.generation);
    }

    /// The record of this revision was touched.
    pub(super) fn finish_touch(mut self, expected: Revision, deadline: Timestamp) {
        self.entries.shard(self.id).touch(self.id, expected, deadline);
        self.keeps_entry = true;
    }
}

impl Drop for WriteInFlight {
    fn drop(&mut self) {
        let mut shard = self.entries.shard(self.id);
        if !self.keeps_entry {
            shard.remove(self.id);
        }
        shard.end(self.id, self.revision);
    }
}
