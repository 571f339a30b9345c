//! Batches: operations that arrive while a batch is in flight form the next one.
//!
//! For stores whose engine does many operations in little more time than one: in one transaction
//! with one fsync, one statement over arrays, or one pipeline. Callers [`submit`](Queue::submit)
//! operations; a driver, which is a thread or a task, takes batches with [`next`](Driver::next) and
//! answers them. A lone operation waits for nothing, and throughput grows with load.
//!
//! ```
//! use cloakroom::PublicId;
//! use cloakroom::stores::batch::Queue;
//!
//! let (queue, driver) = Queue::<u32, u32>::new(1_000, 1 << 20);
//! let thread = std::thread::spawn(move || {
//!     while let Some(mut batch) = driver.next(100, 1 << 16).wait() {
//!         for index in 0..batch.len() {
//!             let doubled = batch.op(index) * 2; // a real store sends them in one round trip
//!             batch.answer(index, Ok(doubled));
//!         }
//!     }
//! });
//! let answer = queue.submit(PublicId::from_bytes([1; 16]), 4, 21);
//! assert_eq!(answer.wait().unwrap(), 42);
//! drop(queue);
//! thread.join().unwrap();
//! ```
//!
//! # Cancellation
//! Dropping what `submit` returned does not drop the operation. No caller waits forever: if a batch
//! is dropped, its operations are answered with an unknown outcome; if the last driver is dropped,
//! the waiting operations are answered as not sent.

mod backoff;
mod in_flight;
mod outage;
mod queue;
mod reply;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;

pub use backoff::Backoff;
pub use in_flight::Batch;
pub use outage::Outage;
use queue::{Joining, Shared, Waiting};
pub use reply::{Answer, Reply};

use crate::key::PublicId;
use crate::record::Revision;
use crate::store::{Io, StoreError, StoreErrorKind, Swap};

/// The callers' end of a queue, bounded in operations and bytes.
///
/// Operations on one session leave in order and one at a time; those on other sessions overtake
/// them. So changes that wait are planned on one another, also behind a store that adds to the
/// answer with [`Io::map`] or [`Io::inspect`]. One that wraps the answer in a future of its own
/// gets one change after the other.
///
/// A queue needs no runtime. Clones share one queue, which closes when the last is dropped.
pub struct Queue<Op, Reply> {
    end: Arc<CallersEnd<Op, Reply>>,
}

impl<Op: Send + 'static, Reply: Send + 'static> Queue<Op, Reply> {
    /// A queue of at most `ops` operations and `bytes` bytes, and its driver.
    pub fn new(ops: usize, bytes: usize) -> (Self, Driver<Op, Reply>) {
        Self::start(Shared::new(ops, bytes, None, None))
    }

    /// A queue in which an operation that has waited for `timeout` is not sent.
    ///
    /// Such operations are answered when the next batch leaves. So all callers of an engine that
    /// hangs get their error in time, and the engine is not given operations that callers have
    /// given up on.
    pub fn with_timeout(ops: usize, bytes: usize, timeout: Duration) -> (Self, Driver<Op, Reply>) {
        Self::start(Shared::new(ops, bytes, Some(timeout), None))
    }

    fn start(shared: Shared<Op, Reply>) -> (Self, Driver<Op, Reply>) {
        let shared = Arc::new(shared);
        let driver = Driver { end: Arc::new(DriversEnd(Arc::clone(&shared))) };
        (Self { end: Arc::new(CallersEnd(shared)) }, driver)
    }

    /// Queues an operation on session `id` that takes `bytes` bytes, and returns its answer.
    ///
    /// If the queue is full or closed, the answer is ready: the operation was not sent.
    pub fn submit(
        &self,
        id: PublicId,
        bytes: usize,
        op: Op,
    ) -> Io<'static, Result<Reply, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let (joined, since, exclusive) = (Vec::new(), now(), false);
        let waiting = Waiting { id, bytes, op, reply, joined, since, exclusive };
        if let Err(kind) = self.end.0.push(waiting) {
            return Io::ready(Err(StoreError::not_sent(kind)));
        }
        Io::queued(async move {
            // The sender is dropped only if no batch took the operation.
            answer.await.unwrap_or_else(|_| Err(StoreError::not_sent(StoreErrorKind::Unavailable)))
        })
    }

    /// Refuses further operations. Those that wait are still handed to drivers.
    pub fn close(&self) {
        self.end.0.close();
    }
}

impl<Op: Send + 'static> Queue<Op, Reply> {
    /// A queue in which writes that wait for one session become one. All their callers get its
    /// answer: [`Reply::Swap`], or an error.
    pub fn joining(ops: usize, bytes: usize, timeout: Option<Duration>) -> (Self, Driver<Op, Reply>)
    where
        Op: JoinWrites,
    {
        let joining =
            Joining { join: Op::join, answer: answer_to_joined, copy: reply::copy_of_swap };
        Self::start(Shared::new(ops, bytes, timeout, Some(joining)))
    }

    /// Queues an operation whose answer is a `T`, as [`submit`](Queue::submit) does.
    pub fn ask<T: Answer>(
        &self,
        id: PublicId,
        bytes: usize,
        op: Op,
    ) -> Io<'static, Result<T, StoreError>> {
        self.submit(id, bytes, op).map(|answer| answer.and_then(T::try_from))
    }
}

/// Operations of which some are writes that can become one, for [`Queue::joining`].
pub trait JoinWrites: Sized {
    /// Makes this operation write what `next` writes, if both replace a record of the same session,
    /// and `next` the one that this would write. If not, returns `next`.
    fn join(&mut self, next: Self) -> Option<Self>;

    /// Whether the record of this revision is what the operation writes.
    fn writes(&self, revision: Revision) -> bool;
}

/// A write that finds its own record was made before, and its answer was lost. So were those that
/// it was joined from: each of them is a step towards that record.
fn answer_to_joined<Op: JoinWrites>(
    op: &Op,
    answer: Result<Reply, StoreError>,
) -> Result<Reply, StoreError> {
    match answer {
        Ok(Reply::Swap(Swap::Stale(current))) if op.writes(current.revision()) => {
            Ok(Reply::Swap(Swap::Done))
        }
        answer => answer,
    }
}

/// The store's end of a queue: takes the waiting operations, batch by batch.
///
/// Clones take batches of the same queue in parallel. When the last clone is dropped, the waiting
/// operations are answered as not sent.
pub struct Driver<Op, Reply> {
    end: Arc<DriversEnd<Op, Reply>>,
}

impl<Op: Send + 'static, Reply: Send + 'static> Driver<Op, Reply> {
    /// Takes the next batch: at least one operation, at most `ops` of them and about `bytes` bytes.
    ///
    /// `None` once the queue is closed and empty. Await it, or [`wait`](Io::wait) for it on a
    /// thread of the driver's own.
    pub fn next(&self, ops: usize, bytes: usize) -> Io<'_, Option<Batch<Op, Reply>>> {
        let shared = &self.end.0;
        Io::future(std::future::poll_fn(move |context| {
            shared
                .poll_pop(ops, bytes, context.waker())
                .map(|popped| popped.map(|popped| Batch::new(Arc::clone(shared), popped)))
        }))
    }
}

/// Closes the queue once no caller is left.
struct CallersEnd<Op, Reply>(Arc<Shared<Op, Reply>>);

impl<Op, Reply> Drop for CallersEnd<Op, Reply> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Answers all waiting operations once no driver is left, for example because it panicked.
struct DriversEnd<Op, Reply>(Arc<Shared<Op, Reply>>);

impl<Op, Reply> Drop for DriversEnd<Op, Reply> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl<Op, Reply> Clone for Queue<Op, Reply> {
    fn clone(&self) -> Self {
        Self { end: Arc::clone(&self.end) }
    }
}

impl<Op, Reply> Clone for Driver<Op, Reply> {
    fn clone(&self) -> Self {
        Self { end: Arc::clone(&self.end) }
    }
}

impl<Op, Reply> fmt::Debug for Queue<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.0.describe(&mut f.debug_struct("Queue"))
    }
}

impl<Op, Reply> fmt::Debug for Driver<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.0.describe(&mut f.debug_struct("Driver"))
    }
}

#[expect(clippy::disallowed_methods, reason = "how long an operation waits, not a session's age")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
