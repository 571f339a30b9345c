//! A read or a write on its way to the store, and what it leaves in memory when it is back, or dropped.

use std::sync::Arc;

use super::entries::Memory;
use crate::key::PublicId;
use crate::record::{Record, Revision, Stored};
use crate::store::StoreError;
use crate::time::Timestamp;

/// A read. Dropped, it leaves everything as it is, and those who wait for it ask themselves.
pub(super) struct Reading {
    memory: Arc<Memory>,
    id: PublicId,
    generation: u64,
    began: Timestamp,
    leads: bool,
}

impl Reading {
    pub(super) fn alone(
        memory: &Arc<Memory>,
        id: PublicId,
        generation: u64,
        began: Timestamp,
    ) -> Self {
        Self { memory: Arc::clone(memory), id, generation, began, leads: false }
    }

    pub(super) fn leading(
        memory: &Arc<Memory>,
        id: PublicId,
        generation: u64,
        began: Timestamp,
    ) -> Self {
        Self { memory: Arc::clone(memory), id, generation, began, leads: true }
    }

    /// Remembers what was found and tells those who wait for it.
    pub(super) fn land(mut self, answer: &Result<Option<Stored>, StoreError>) {
        let mut shard = self.memory.shard(self.id);
        let found = match answer {
            Ok(Some(Stored::Live(record))) => {
                shard.fill(self.id, self.generation, record.clone(), self.began);
                Some(record)
            }
            Ok(_) => {
                shard.forget(self.id);
                None
            }
            Err(_) => None,
        };
        let waiting = if self.leads { shard.land(self.id, self.generation) } else { Vec::new() };
        drop(shard);
        self.leads = false;
        // Who came late must not be told of what a slow store read long ago.
        let found = found.filter(|_| self.memory.believes(self.began));
        // Those who wait no more need no answer.
        for one in waiting {
            let _ = one.send(found.cloned());
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut shard = self.memory.shard(self.id);
        let waiting = if self.leads { shard.land(self.id, self.generation) } else { Vec::new() };
        shard.leave(self.id, None);
        drop(shard);
        drop(waiting);
    }
}

/// A write. Dropped, the session is forgotten: the write may have happened, or may happen yet.
pub(super) struct Writing {
    memory: Arc<Memory>,
    id: PublicId,
    generation: u64,
    own: Option<Revision>,
    began: Timestamp,
    is_known: bool,
}

impl Writing {
    pub(super) fn new(
        memory: &Arc<Memory>,
        id: PublicId,
        generation: u64,
        own: Option<Revision>,
        began: Timestamp,
    ) -> Self {
        Self { memory: Arc::clone(memory), id, generation, own, began, is_known: false }
    }

    /// The record was written: it is what to remember, unless something was caught_up_to of the session meanwhile.
    pub(super) fn keep(mut self, record: Record) {
        let mut shard = self.memory.shard(self.id);
        shard.fill(self.id, self.generation, record, self.began);
        self.is_known = shard.settle(self.id, self.generation);
    }

    /// The record of this revision was touched.
    pub(super) fn touch(mut self, expected: Revision, deadline: Timestamp) {
        self.memory.shard(self.id).touch(self.id, expected, deadline);
        self.is_known = true;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut shard = self.memory.shard(self.id);
        if !self.is_known {
            shard.forget(self.id);
        }
        shard.leave(self.id, self.own);
    }
}
