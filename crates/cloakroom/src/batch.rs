//! Operations that arrive while a batch is on its way form the next batch.
//!
//! For stores whose engine answers many operations in little more time than one: one transaction with one fsync, one
//! statement over arrays, one pipeline. Callers [`submit`](Queue::submit); a driver, a thread or a task, takes
//! [`next`](Queue::next) batches and answers them. A lone operation waits for nothing, and throughput grows with load.
//!
//! ```
//! use cloakroom::{SessionId, batch::Queue};
//!
//! let queue: Queue<u32, u32> = Queue::new(1_000, 1 << 20);
//! let driver = queue.clone();
//! let thread = std::thread::spawn(move || {
//!     while let Some(mut batch) = driver.next(100, 1 << 16).wait() {
//!         for index in 0..batch.len() {
//!             let doubled = batch.op(index) * 2; // one round trip for all of them, in a real store
//!             batch.answer(index, Ok(doubled));
//!         }
//!     }
//! });
//! let answer = queue.submit(SessionId::from_bytes([1; 16]), 4, 21);
//! assert_eq!(answer.wait().unwrap(), 42);
//! queue.close();
//! thread.join().unwrap();
//! ```
//!
//! # Cancellation
//! Dropping what `submit` returned never drops the operation.

mod flight;

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_channel::oneshot;

pub use flight::Batch;

use crate::io::Io;
use crate::key::SessionId;
use crate::store::{StoreError, StoreErrorKind};

/// Operations waiting for their batch: bounded in number and bytes, in order per session, at most one per session and
/// batch. Runtime-free; clones share one queue.
pub struct Queue<Op, Reply> {
    line: Arc<Line<Op, Reply>>,
}

impl<Op: Send + 'static, Reply: Send + 'static> Queue<Op, Reply> {
    /// A queue of at most `count` operations and `bytes` bytes of them.
    pub fn new(count: usize, bytes: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            on_their_way: HashSet::new(),
            closed: false,
            drivers: Vec::new(),
        };
        Self { line: Arc::new(Line { state: Mutex::new(state), most: count, most_bytes: bytes }) }
    }

    /// Queues an operation on session `id` that weighs `bytes`, and returns its answer to come.
    ///
    /// A queue that is full or closed answers at once that the operation was not sent.
    pub fn submit(&self, id: SessionId, bytes: usize, op: Op) -> Io<'static, Result<Reply, StoreError>> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.line.lock();
            if state.closed {
                return Io::ready(Err(StoreError::not_sent(StoreErrorKind::Unavailable)));
            }
            if state.waiting.len() >= self.line.most
                || state.bytes.saturating_add(bytes) > self.line.most_bytes
            {
                return Io::ready(Err(StoreError::not_sent(StoreErrorKind::Full)));
            }
            state.bytes += bytes;
            state.waiting.push_back(Waiting { id, bytes, op, reply: sender, alone: false });
        }
        self.line.wake();
        Io::future(async move {
            // An operation that no batch ever took was not sent.
            receiver.await.unwrap_or_else(|_| Err(StoreError::not_sent(StoreErrorKind::Unavailable)))
        })
    }

    /// The next batch, of at most `count` operations and about `bytes` bytes, but at least one operation; `None` once the
    /// queue is closed and empty. Await it, or [`wait`](Io::wait) on a thread of the driver's own.
    pub fn next(&self, count: usize, bytes: usize) -> Io<'_, Option<Batch<Op, Reply>>> {
        Io::future(std::future::poll_fn(move |context| {
            let mut state = self.line.lock();
            let ops = state.take(count.max(1), bytes);
            if !ops.is_empty() {
                return Poll::Ready(Some(Batch::new(Arc::clone(&self.line), ops)));
            }
            if state.closed && state.waiting.is_empty() {
                return Poll::Ready(None);
            }
            if !state.drivers.iter().any(|driver| driver.will_wake(context.waker())) {
                state.drivers.push(context.waker().clone());
            }
            Poll::Pending
        }))
    }

    /// Takes no more operations. Those that wait are still handed out.
    pub fn close(&self) {
        self.line.lock().closed = true;
        self.line.wake();
    }
}

impl<Op, Reply> Clone for Queue<Op, Reply> {
    fn clone(&self) -> Self {
        Self { line: Arc::clone(&self.line) }
    }
}

impl<Op, Reply> fmt::Debug for Queue<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.line.lock();
        f.debug_struct("Queue").field("waiting", &state.waiting.len()).field("bytes", &state.bytes).finish()
    }
}

/// What queue and batches share.
struct Line<Op, Reply> {
    state: Mutex<State<Op, Reply>>,
    most: usize,
    most_bytes: usize,
}

struct State<Op, Reply> {
    waiting: VecDeque<Waiting<Op, Reply>>,
    bytes: usize,
    /// Sessions with an operation that was handed out and not answered.
    on_their_way: HashSet<SessionId>,
    closed: bool,
    drivers: Vec<Waker>,
}

struct Waiting<Op, Reply> {
    id: SessionId,
    bytes: usize,
    op: Op,
    reply: oneshot::Sender<Result<Reply, StoreError>>,
    /// To be handed out in a batch of its own.
    alone: bool,
}

impl<Op, Reply> Line<Op, Reply> {
    fn lock(&self) -> MutexGuard<'_, State<Op, Reply>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        let drivers = std::mem::take(&mut self.lock().drivers);
        drivers.into_iter().for_each(Waker::wake);
    }
}

impl<Op, Reply> State<Op, Reply> {
    /// Takes what may leave together, in order; operations on sessions that are on their way stay.
    fn take(&mut self, count: usize, bytes: usize) -> Vec<Waiting<Op, Reply>> {
        let (mut taken, mut weight) = (Vec::new(), 0_usize);
        let mut index = 0;
        while let Some(next) = self.waiting.get(index) {
            if self.on_their_way.contains(&next.id) {
                index += 1;
                continue;
            }
            weight = weight.saturating_add(next.bytes);
            if taken.len() == count || !taken.is_empty() && (weight > bytes || next.alone) {
                break;
            }
            let alone = next.alone;
            if let Some(next) = self.waiting.remove(index) {
                self.on_their_way.insert(next.id);
                self.bytes -= next.bytes;
                taken.push(next);
            }
            if alone {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests;
