//! Operations that left together.

use std::fmt;
use std::sync::Arc;

use super::queue::{Line, Waiting};
use crate::key::PublicId;
use crate::store::{StoreError, StoreErrorKind};

/// Operations to be done together and answered one by one.
///
/// A batch that is dropped (its driver panicked, or was itself dropped) answers what is unanswered with "nobody knows".
#[must_use = "dropping a batch answers that its outcome is unknown"]
pub struct Batch<Op, Reply> {
    line: Arc<Line<Op, Reply>>,
    ops: Vec<Option<Waiting<Op, Reply>>>,
    ids: Vec<PublicId>,
}

impl<Op, Reply> Batch<Op, Reply> {
    pub(super) fn new(line: Arc<Line<Op, Reply>>, ops: Vec<Waiting<Op, Reply>>) -> Self {
        let ids = ops.iter().map(|op| op.id).collect();
        Self { line, ids, ops: ops.into_iter().map(Some).collect() }
    }

    /// How many operations there are, answered or not.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// True if there is none; the queue hands out no such batch.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The session that operation `index` is on.
    ///
    /// # Panics
    /// If there is no such operation.
    pub fn id(&self, index: usize) -> PublicId {
        self.ids[index]
    }

    /// Operation `index`.
    ///
    /// # Panics
    /// If there is no such operation, or it was answered.
    pub fn op(&self, index: usize) -> &Op {
        &self.ops[index].as_ref().expect("the operation was answered").op
    }

    /// Answers operation `index`; a second answer is ignored. From now on the session's next operation may leave.
    pub fn answer(&mut self, index: usize, result: Result<Reply, StoreError>) {
        let Some(op) = self.ops.get_mut(index).and_then(Option::take) else {
            return;
        };
        // Freed first: whoever hears the answer may submit the next operation at once.
        self.line.landed(op.id);
        let _ = op.reply.send(result);
    }

    /// Puts the unanswered operations back, first in line and each in a batch of its own: for a batch of which it is known
    /// that *nothing* happened, because one of its operations stopped all others.
    pub fn retry_singly(mut self) {
        let ops = std::mem::take(&mut self.ops);
        let unanswered = ops.into_iter().flatten();
        self.line.put_back(unanswered.map(|op| Waiting { alone: true, ..op }));
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
