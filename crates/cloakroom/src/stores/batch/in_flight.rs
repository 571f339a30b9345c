//! Operations that a driver carries out together.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::now;
use super::queue::{Shared, Waiting};
use crate::key::PublicId;
use crate::store::{StoreError, StoreErrorKind};

/// Operations to carry out together and to answer one by one.
///
/// If a batch is dropped, for example because its driver panicked, its unanswered operations are
/// answered with an unknown outcome.
#[must_use = "dropping a batch answers its operations with an unknown outcome"]
pub struct Batch<Op, Reply> {
    queue: Arc<Shared<Op, Reply>>,
    ops: Vec<Option<Waiting<Op, Reply>>>,
    ids: Vec<PublicId>,
}

impl<Op, Reply> Batch<Op, Reply> {
    pub(super) fn new(queue: Arc<Shared<Op, Reply>>, ops: Vec<Waiting<Op, Reply>>) -> Self {
        let ids = ops.iter().map(|op| op.id).collect();
        Self { queue, ids, ops: ops.into_iter().map(Some).collect() }
    }

    /// The number of operations, answered or not.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Returns true if there are no operations; a driver never gets such a batch.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// When the operation that has waited the longest was submitted.
    ///
    /// A driver that answers each batch within a time from then answers all operations within that
    /// time, also those that wait behind it.
    pub fn since(&self) -> Instant {
        let oldest = self.ops.iter().flatten().map(|op| op.since).min();
        oldest.unwrap_or_else(now)
    }

    /// The session of operation `index`.
    ///
    /// # Panics
    /// If there is no such operation.
    pub fn id(&self, index: usize) -> PublicId {
        self.ids[index]
    }

    /// Operation `index`.
    ///
    /// # Panics
    /// If there is no such operation, or if it was answered.
    pub fn op(&self, index: usize) -> &Op {
        &self.ops[index].as_ref().expect("the operation was answered").op
    }

    /// Answers operation `index` and releases the next operation on its session; a second answer is
    /// ignored.
    pub fn answer(&mut self, index: usize, result: Result<Reply, StoreError>) {
        let Some(op) = self.ops.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.queue.answer(op, result);
    }

    /// Puts the unanswered operations back at the front of the queue, each to be sent in a batch of
    /// its own.
    ///
    /// For a batch of which it is known that *nothing* happened because one of its operations
    /// failed.
    pub fn retry_singly(mut self) {
        let ops = std::mem::take(&mut self.ops);
        let unanswered = ops.into_iter().flatten();
        self.queue.put_back(unanswered.map(|op| Waiting { exclusive: true, ..op }));
    }
}

impl<Op, Reply> Drop for Batch<Op, Reply> {
    fn drop(&mut self) {
        for index in 0..self.ops.len() {
            self.answer(index, Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)));
        }
    }
}

impl<Op, Reply> fmt::Debug for Batch<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("ids", &self.ids).finish_non_exhaustive()
    }
}
