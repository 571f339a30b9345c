//! Who waits, in which order, and who is on the way.

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
pub(super) struct Line<Op, Reply> {
    state: Mutex<State<Op, Reply>>,
    most: usize,
    most_bytes: usize,
    /// How long anybody waits.
    patience: Option<Duration>,
}

pub(super) struct Waiting<Op, Reply> {
    pub(super) id: PublicId,
    pub(super) bytes: usize,
    pub(super) op: Op,
    pub(super) reply: oneshot::Sender<Result<Reply, StoreError>>,
    pub(super) since: Instant,
    /// To be handed out in a batch of its own. All such operations are first in line.
    pub(super) alone: bool,
}

/// No step looks at more than what it takes, however many operations wait for one session.
struct State<Op, Reply> {
    /// Sessions whose first operation may leave, in order of leaving. Each has an entry in `sessions`.
    ready: VecDeque<PublicId>,
    /// What waits on each session that is ready or on its way.
    sessions: HashMap<PublicId, VecDeque<Waiting<Op, Reply>>>,
    count: usize,
    bytes: usize,
    closed: bool,
    /// Nobody is left to answer.
    abandoned: bool,
    drivers: Vec<Waker>,
}

impl<Op, Reply> Line<Op, Reply> {
    pub(super) fn new(count: usize, bytes: usize, patience: Option<Duration>) -> Self {
        let state = State {
            ready: VecDeque::new(),
            sessions: HashMap::new(),
            count: 0,
            bytes: 0,
            closed: false,
            abandoned: false,
            drivers: Vec::new(),
        };
        Self { state: Mutex::new(state), most: count, most_bytes: bytes, patience }
    }

    /// Queues an operation, or says why not.
    pub(super) fn join(&self, waiting: Waiting<Op, Reply>) -> Result<(), StoreErrorKind> {
        let mut state = self.lock();
        if state.closed {
            return Err(StoreErrorKind::Unavailable);
        }
        if state.count >= self.most || state.bytes.saturating_add(waiting.bytes) > self.most_bytes {
            return Err(StoreErrorKind::Full);
        }
        let id = waiting.id;
        state.count += 1;
        state.bytes += waiting.bytes;
        let is_first = !state.sessions.contains_key(&id);
        state.sessions.entry(id).or_default().push_back(waiting);
        if is_first {
            state.ready.push_back(id);
            wake(state);
        }
        Ok(())
    }

    /// What may leave now; nothing at all once the queue is closed and empty.
    pub(super) fn poll_leave(
        &self,
        count: usize,
        bytes: usize,
        driver: &Waker,
    ) -> Poll<Option<Vec<Waiting<Op, Reply>>>> {
        loop {
            let mut state = self.lock();
            let since = self.patience.and_then(|patience| now().checked_sub(patience));
            let [leaving, late] = state.leave(count.max(1), bytes, since);
            if !late.is_empty() {
                // Dropping them answers them, which may wake anybody, who may ask for more at once.
                drop(state);
                drop(late);
                if leaving.is_empty() {
                    continue;
                }
                return Poll::Ready(Some(leaving));
            }
            if !leaving.is_empty() {
                return Poll::Ready(Some(leaving));
            }
            if state.closed && state.count == 0 {
                return Poll::Ready(None);
            }
            if !state.drivers.iter().any(|known| known.will_wake(driver)) {
                state.drivers.push(driver.clone());
            }
            return Poll::Pending;
        }
    }

    /// The operation on this session was answered: its next may leave.
    pub(super) fn landed(&self, id: PublicId) {
        let mut state = self.lock();
        if state.sessions.get(&id).is_some_and(|waiting| !waiting.is_empty()) {
            state.ready.push_back(id);
            wake(state);
        } else {
            state.sessions.remove(&id);
        }
    }

    /// Puts operations that had left back, first in line and in this order.
    pub(super) fn put_back(&self, ops: impl DoubleEndedIterator<Item = Waiting<Op, Reply>>) {
        let mut state = self.lock();
        if state.abandoned {
            drop(state);
            // Dropping them answers them.
            return ops.for_each(drop);
        }
        for op in ops.rev() {
            let id = op.id;
            state.count += 1;
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

    /// Closes, and drops what waits, which answers it.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.abandoned = true;
        state.ready.clear();
        (state.count, state.bytes) = (0, 0);
        let waiting = std::mem::take(&mut state.sessions);
        drop(state);
        drop(waiting);
    }

    pub(super) fn describe(&self, debug: &mut DebugStruct<'_, '_>) -> fmt::Result {
        let state = self.lock();
        debug.field("waiting", &state.count).field("bytes", &state.bytes).finish()
    }

    #[cfg(test)]
    pub(super) fn is_forgotten(&self) -> bool {
        let state = self.lock();
        state.sessions.is_empty() && state.ready.is_empty() && (state.count, state.bytes) == (0, 0)
    }

    fn lock(&self) -> MutexGuard<'_, State<Op, Reply>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Op, Reply> State<Op, Reply> {
    /// Those whose turn it is; and those whose turn it was, who wait since that moment or longer.
    fn leave(
        &mut self,
        count: usize,
        bytes: usize,
        since: Option<Instant>,
    ) -> [Vec<Waiting<Op, Reply>>; 2] {
        let (mut leaving, mut late, mut weight) = (Vec::new(), Vec::new(), 0_usize);
        while leaving.len() < count {
            let Some(id) = self.ready.front().copied() else {
                break;
            };
            let Some(waiting) = self.sessions.get_mut(&id) else {
                break;
            };
            if let Some(op) =
                waiting.pop_front_if(|op| since.is_some_and(|since| op.since <= since))
            {
                self.count -= 1;
                self.bytes -= op.bytes;
                late.push(op);
                if waiting.is_empty() {
                    self.ready.pop_front();
                    self.sessions.remove(&id);
                }
                continue;
            }
            let fits = |op: &mut Waiting<Op, Reply>| {
                leaving.is_empty() || weight.saturating_add(op.bytes) <= bytes
            };
            let Some(op) = waiting.pop_front_if(fits) else { break };
            self.ready.pop_front();
            self.count -= 1;
            self.bytes -= op.bytes;
            weight = weight.saturating_add(op.bytes);
            let alone = op.alone;
            leaving.push(op);
            if alone {
                break;
            }
        }
        [leaving, late]
    }
}

/// Wakes all drivers that wait, once the lock is free.
fn wake<Op, Reply>(mut state: MutexGuard<'_, State<Op, Reply>>) {
    let drivers = std::mem::take(&mut state.drivers);
    drop(state);
    drivers.into_iter().for_each(Waker::wake);
}
