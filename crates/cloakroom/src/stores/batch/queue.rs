//! The operations that wait, in order, and the sessions that have one in flight.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, DebugStruct};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::now;
use crate::key::PublicId;
use crate::store::{StoreError, StoreErrorKind};

/// What callers, drivers and batches share.
pub(super) struct Shared<Op, Reply> {
    state: Mutex<State<Op, Reply>>,
    max_ops: usize,
    max_bytes: usize,
    timeout: Option<Duration>,
    joining: Option<Joining<Op, Reply>>,
}

/// How operations on one session become one.
pub(super) struct Joining<Op, Reply> {
    /// Joins an operation to the one before it, or returns it.
    pub(super) join: fn(&mut Op, Op) -> Option<Op>,
    /// The answer to the callers of operations that were joined to this one.
    pub(super) answer: fn(&Op, Answered<Reply>) -> Answered<Reply>,
    /// The same answer for another caller.
    pub(super) copy: fn(&Answered<Reply>) -> Answered<Reply>,
}

pub(super) type Answered<Reply> = Result<Reply, StoreError>;

pub(super) struct Waiting<Op, Reply> {
    pub(super) id: PublicId,
    pub(super) bytes: usize,
    pub(super) op: Op,
    pub(super) reply: oneshot::Sender<Answered<Reply>>,
    /// Where operations that were joined to this one are answered.
    pub(super) joined: Vec<oneshot::Sender<Answered<Reply>>>,
    /// Since when the first of them waits.
    pub(super) since: Instant,
    /// Whether it is sent in a batch of its own. Such operations are at the front of the queue.
    pub(super) exclusive: bool,
}

/// No step looks at more operations than it takes, however many wait for one session.
struct State<Op, Reply> {
    /// Sessions whose first operation can leave, in order. Each has an entry in `sessions`.
    ready: VecDeque<PublicId>,
    /// The waiting operations of every session that is ready or has an operation in flight.
    sessions: HashMap<PublicId, VecDeque<Waiting<Op, Reply>>>,
    ops: usize,
    bytes: usize,
    closed: bool,
    /// Whether no driver is left.
    abandoned: bool,
    drivers: Vec<Waker>,
}

/// Operations that left the queue.
struct Popped<Op, Reply> {
    batch: Vec<Waiting<Op, Reply>>,
    /// Operations that waited too long.
    expired: Vec<Waiting<Op, Reply>>,
}

impl<Op, Reply> Shared<Op, Reply> {
    pub(super) fn new(
        max_ops: usize,
        max_bytes: usize,
        timeout: Option<Duration>,
        joining: Option<Joining<Op, Reply>>,
    ) -> Self {
        let state = State {
            ready: VecDeque::new(),
            sessions: HashMap::new(),
            ops: 0,
            bytes: 0,
            closed: false,
            abandoned: false,
            drivers: Vec::new(),
        };
        Self { state: Mutex::new(state), max_ops, max_bytes, timeout, joining }
    }

    /// Queues an operation, or joins it to the one before it.
    pub(super) fn push(&self, mut waiting: Waiting<Op, Reply>) -> Result<(), StoreErrorKind> {
        let mut state = self.lock();
        if state.closed {
            return Err(StoreErrorKind::Unavailable);
        }
        if state.ops >= self.max_ops || state.bytes_with(&waiting) > self.max_bytes {
            return Err(StoreErrorKind::Full);
        }
        if let Some(joining) = &self.joining {
            match state.join(joining, waiting) {
                None => return Ok(()),
                Some(alone) => waiting = alone,
            }
        }
        let bytes = state.bytes_with(&waiting);
        let id = waiting.id;
        state.ops += 1;
        state.bytes = bytes;
        let is_first = !state.sessions.contains_key(&id);
        state.sessions.entry(id).or_default().push_back(waiting);
        if is_first {
            state.ready.push_back(id);
            wake(state);
        }
        Ok(())
    }

    /// Takes the next batch; `None` once the queue is closed and empty.
    pub(super) fn poll_pop(
        &self,
        ops: usize,
        bytes: usize,
        driver: &Waker,
    ) -> Poll<Option<Vec<Waiting<Op, Reply>>>> {
        loop {
            let mut state = self.lock();
            let expired_since = self.timeout.and_then(|timeout| now().checked_sub(timeout));
            let Popped { batch, expired } = state.pop(ops.max(1), bytes, expired_since);
            if batch.is_empty() && expired.is_empty() {
                if state.closed && state.ops == 0 {
                    return Poll::Ready(None);
                }
                if !state.drivers.iter().any(|known| known.will_wake(driver)) {
                    state.drivers.push(driver.clone());
                }
                return Poll::Pending;
            }
            drop(state);
            // Dropping an operation answers it, and its caller can submit another one at once.
            drop(expired);
            if !batch.is_empty() {
                return Poll::Ready(Some(batch));
            }
        }
    }

    /// Answers an operation, and those that were joined to it.
    pub(super) fn answer(&self, waiting: Waiting<Op, Reply>, mut result: Answered<Reply>) {
        // Released first: the caller can submit its next operation as soon as it has the answer.
        self.complete(waiting.id);
        let Waiting { op, reply, joined, .. } = waiting;
        let mut copies = Vec::new();
        if let Some(joining) = self.joining.as_ref().filter(|_| !joined.is_empty()) {
            result = (joining.answer)(&op, result);
            copies.extend(joined.iter().map(|_| (joining.copy)(&result)));
        }
        // In their order: writes that are asked for again, then, can be joined again.
        let _ = reply.send(result);
        for (reply, copy) in joined.into_iter().zip(copies) {
            let _ = reply.send(copy);
        }
    }

    /// The operation in flight on this session was answered: its next one can leave.
    fn complete(&self, id: PublicId) {
        let mut state = self.lock();
        if state.sessions.get(&id).is_some_and(|waiting| !waiting.is_empty()) {
            state.ready.push_back(id);
            wake(state);
        } else {
            state.sessions.remove(&id);
        }
    }

    /// Puts operations that had left back at the front, in this order.
    pub(super) fn put_back(&self, ops: impl DoubleEndedIterator<Item = Waiting<Op, Reply>>) {
        let mut state = self.lock();
        if state.abandoned {
            drop(state);
            // Dropping them answers them.
            return ops.for_each(drop);
        }
        for op in ops.rev() {
            let id = op.id;
            state.ops += op.count();
            state.bytes += op.bytes;
            state.sessions.entry(id).or_default().push_front(op);
            state.ready.push_front(id);
        }
        wake(state);
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        wake(state);
    }

    /// Closes the queue and drops the waiting operations, which answers them.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.abandoned = true;
        state.ready.clear();
        (state.ops, state.bytes) = (0, 0);
        let waiting = std::mem::take(&mut state.sessions);
        drop(state);
        drop(waiting);
    }

    pub(super) fn describe(&self, debug: &mut DebugStruct<'_, '_>) -> fmt::Result {
        let state = self.lock();
        debug.field("waiting", &state.ops).field("bytes", &state.bytes).finish()
    }

    /// Whether nothing is left of any session.
    #[cfg(test)]
    pub(super) fn is_clear(&self) -> bool {
        let state = self.lock();
        state.sessions.is_empty() && state.ready.is_empty() && (state.ops, state.bytes) == (0, 0)
    }

    fn lock(&self) -> MutexGuard<'_, State<Op, Reply>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Op, Reply> Waiting<Op, Reply> {
    /// How many callers wait for it.
    fn count(&self) -> usize {
        1 + self.joined.len()
    }
}

impl<Op, Reply> State<Op, Reply> {
    /// The bytes that wait if this operation waits, too.
    fn bytes_with(&self, waiting: &Waiting<Op, Reply>) -> usize {
        self.bytes.saturating_add(waiting.bytes)
    }

    /// Joins an operation to the last one that waits for the same session, or returns it.
    fn join(
        &mut self,
        joining: &Joining<Op, Reply>,
        waiting: Waiting<Op, Reply>,
    ) -> Option<Waiting<Op, Reply>> {
        let last = self.sessions.get_mut(&waiting.id).and_then(VecDeque::back_mut);
        let Some(last) = last.filter(|last| !last.exclusive) else { return Some(waiting) };
        let Waiting { id, bytes, op, reply, joined, since, exclusive } = waiting;
        match (joining.join)(&mut last.op, op) {
            None => {
                self.bytes = self.bytes - last.bytes + bytes;
                self.ops += 1;
                last.bytes = bytes;
                last.joined.push(reply);
                None
            }
            Some(op) => Some(Waiting { id, bytes, op, reply, joined, since, exclusive }),
        }
    }

    /// Takes a batch, and the operations before it that have waited since `expired_since` or
    /// longer.
    fn pop(
        &mut self,
        max_ops: usize,
        max_bytes: usize,
        expired_since: Option<Instant>,
    ) -> Popped<Op, Reply> {
        let (mut batch, mut expired, mut batch_bytes) = (Vec::new(), Vec::new(), 0_usize);
        while batch.len() < max_ops {
            let Some(id) = self.ready.front().copied() else { break };
            let Some(waiting) = self.sessions.get_mut(&id) else { break };
            let Some(first) = waiting.front() else { break };
            let is_expired = expired_since.is_some_and(|moment| first.since <= moment);
            let bytes = batch_bytes.saturating_add(first.bytes);
            if !is_expired && !batch.is_empty() && bytes > max_bytes {
                break;
            }
            let Some(op) = waiting.pop_front() else { break };
            self.ops -= op.count();
            self.bytes -= op.bytes;
            if is_expired {
                expired.push(op);
                if waiting.is_empty() {
                    self.ready.pop_front();
                    self.sessions.remove(&id);
                }
                continue;
            }
            self.ready.pop_front();
            batch_bytes = bytes;
            let exclusive = op.exclusive;
            batch.push(op);
            if exclusive {
                break;
            }
        }
        Popped { batch, expired }
    }
}

/// Wakes all drivers that wait, after releasing the lock.
fn wake<Op, Reply>(mut state: MutexGuard<'_, State<Op, Reply>>) {
    let drivers = std::mem::take(&mut state.drivers);
    drop(state);
    drivers.into_iter().for_each(Waker::wake);
}
