//! Operations that arrive while a batch is on its way form the next batch.
//!
//! For stores whose engine answers many operations in little more time than one: one transaction with one fsync, one
//! statement over arrays, one pipeline. Callers [`submit`](Queue::submit); a driver, a thread or a task, takes
//! [`next`](Driver::next) batches and answers them. A lone operation waits for nothing, and throughput grows with load.
//!
//! ```
//! use cloakroom::PublicId;
//! use cloakroom::stores::batch::Queue;
//!
//! let (queue, driver) = Queue::<u32, u32>::new(1_000, 1 << 20);
//! let thread = std::thread::spawn(move || {
//!     while let Some(mut batch) = driver.next(100, 1 << 16).wait() {
//!         for index in 0..batch.len() {
//!             let doubled = batch.op(index) * 2; // one round trip for all of them, in a real store
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
//! Dropping what `submit` returned never drops the operation. Nobody waits for ever: what a lost batch loaded is answered
//! with "nobody knows", what waits when the last driver goes with "not sent".

mod backoff;
mod in_flight;
mod queue;
mod reply;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;

pub use backoff::Backoff;
pub use in_flight::Batch;
use queue::{Line, Waiting};
pub use reply::{Answer, Reply};

use crate::key::PublicId;
use crate::store::{Io, StoreError, StoreErrorKind};

/// The callers' end: operations wait here for their batch, bounded in number and bytes.
///
/// Those on one session leave in order, one at a time; others overtake them. Runtime-free; clones share one queue, which
/// closes when the last is dropped.
pub struct Queue<Op, Reply> {
    end: Arc<CallersEnd<Op, Reply>>,
}

impl<Op: Send + 'static, Reply: Send + 'static> Queue<Op, Reply> {
    /// A queue of at most `count` operations and `bytes` bytes of them, and who is to work it off.
    pub fn new(count: usize, bytes: usize) -> (Self, Driver<Op, Reply>) {
        Self::start(Line::new(count, bytes, None))
    }

    /// The same, in which nobody waits longer than `patience` for a batch: who did by the time that one leaves was not sent,
    /// so that a store that stands still is an error in time for all who wait, and is not asked for what they gave up.
    pub fn with_timeout(
        count: usize,
        bytes: usize,
        patience: Duration,
    ) -> (Self, Driver<Op, Reply>) {
        Self::start(Line::new(count, bytes, Some(patience)))
    }

    fn start(line: Line<Op, Reply>) -> (Self, Driver<Op, Reply>) {
        let line = Arc::new(line);
        let driver = Driver { end: Arc::new(DriversEnd(Arc::clone(&line))) };
        let queue = Self { end: Arc::new(CallersEnd(line)) };
        (queue, driver)
    }

    /// Queues an operation on session `id` that weighs `bytes`, and returns its answer to come.
    ///
    /// A queue that is full or closed answers at once that the operation was not sent.
    pub fn submit(
        &self,
        id: PublicId,
        bytes: usize,
        op: Op,
    ) -> Io<'static, Result<Reply, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { id, bytes, op, reply, since: now(), alone: false };
        if let Err(kind) = self.end.0.join(waiting) {
            return Io::ready(Err(StoreError::not_sent(kind)));
        }
        Io::future(async move {
            // An operation that no batch ever took was not sent.
            answer.await.unwrap_or_else(|_| Err(StoreError::not_sent(StoreErrorKind::Unavailable)))
        })
    }

    /// Takes no more operations. Those that wait are still handed out.
    pub fn close(&self) {
        self.end.0.close();
    }
}

impl<Op: Send + 'static> Queue<Op, Reply> {
    /// As [`submit`](Queue::submit), for an operation that is answered by a `T`.
    pub fn ask<T: Answer>(
        &self,
        id: PublicId,
        bytes: usize,
        op: Op,
    ) -> Io<'static, Result<T, StoreError>> {
        self.submit(id, bytes, op).map(|answer| answer.and_then(T::try_from))
    }
}

/// The store's end: takes what waits, batch by batch.
///
/// Clones work the same queue off side by side. With the last of them goes all that waits: it was not sent.
pub struct Driver<Op, Reply> {
    end: Arc<DriversEnd<Op, Reply>>,
}

impl<Op: Send + 'static, Reply: Send + 'static> Driver<Op, Reply> {
    /// The next batch, of at most `count` operations and about `bytes` bytes, but at least one operation; `None` once the
    /// queue is closed and empty. Await it, or [`wait`](Io::wait) on a thread of the driver's own.
    pub fn next(&self, count: usize, bytes: usize) -> Io<'_, Option<Batch<Op, Reply>>> {
        let line = &self.end.0;
        Io::future(std::future::poll_fn(move |context| {
            line.poll_leave(count, bytes, context.waker())
                .map(|ops| ops.map(|ops| Batch::new(Arc::clone(line), ops)))
        }))
    }
}

/// Closes the queue when nobody is left to submit.
struct CallersEnd<Op, Reply>(Arc<Line<Op, Reply>>);

impl<Op, Reply> Drop for CallersEnd<Op, Reply> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Sends away who waits when nobody is left to answer: a driver may have panicked.
struct DriversEnd<Op, Reply>(Arc<Line<Op, Reply>>);

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

#[expect(clippy::disallowed_methods, reason = "how long somebody waits, which no record knows of")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
