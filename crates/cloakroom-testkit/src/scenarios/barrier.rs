//! Where handlers wait for the test.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use cloakroom::Io;

use crate::monitor::Monitor;

/// Where a handler waits until the test lets it go on.
///
/// It is closed at first, and stays open once opened. Clones are the same barrier.
#[derive(Clone, Debug, Default)]
pub struct Barrier(Arc<Monitor<State>>);

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    arrivals: usize,
    /// How many handlers were dropped while they waited.
    dropped: usize,
    wakers: Vec<Waker>,
}

impl Barrier {
    /// Waits until the barrier is open. Await it, or call [`Io::wait`] in a server that blocks.
    pub fn pass(&self) -> Io<'static, ()> {
        let barrier = self.clone();
        Io::future(async move {
            let on_drop = NoteDrop(&barrier);
            barrier.0.update(|state| state.arrivals += 1);
            poll_fn(|context| {
                barrier.0.update(|state| {
                    if state.is_open {
                        return Poll::Ready(());
                    }
                    state.wakers.push(context.waker().clone());
                    Poll::Pending
                })
            })
            .await;
            std::mem::forget(on_drop);
        })
    }

    /// Blocks this thread until `count` handlers in all have arrived.
    pub(super) fn wait_for_arrivals(&self, count: usize) {
        self.0.wait_until("a handler to arrive at the barrier", |state| state.arrivals >= count);
    }

    /// Blocks this thread until a handler was dropped while it waited.
    pub(super) fn wait_for_drop(&self) {
        self.0.wait_until("a waiting handler to be dropped", |state| state.dropped > 0);
    }

    /// Lets all handlers go on, now and later.
    pub(super) fn open(&self) {
        let wakers = self.0.update(|state| {
            state.is_open = true;
            std::mem::take(&mut state.wakers)
        });
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Records that the waiting future was dropped.
struct NoteDrop<'a>(&'a Barrier);

impl Drop for NoteDrop<'_> {
    fn drop(&mut self) {
        self.0.0.update(|state| state.dropped += 1);
    }
}
