//! Where handlers wait for the test.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use cloakroom::Io;

use crate::watched::Watched;

/// Where a slow handler waits until the test lets it go on. It is shut at first; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Watched<State>>);

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    arrivals: usize,
    /// Handlers that were dropped as they waited.
    dropped: usize,
    wakers: Vec<Waker>,
}

impl Gate {
    /// Waits until the gate is open: await it, or in a server that blocks call its `wait`.
    pub fn pass(&self) -> Io<'static, ()> {
        let gate = self.clone();
        Io::future(async move {
            let waiting = Waiting(&gate);
            gate.0.change(|state| state.arrivals += 1);
            poll_fn(|context| {
                gate.0.change(|state| {
                    if state.is_open {
                        return Poll::Ready(());
                    }
                    state.wakers.push(context.waker().clone());
                    Poll::Pending
                })
            })
            .await;
            std::mem::forget(waiting);
        })
    }

    /// Waits until so many handlers in all have come to the gate.
    pub(super) fn reached_by(&self, count: usize) {
        self.0.wait_until("a handler at the gate", |state| state.arrivals >= count);
    }

    /// Waits until a handler was dropped as it waited here.
    pub(super) fn deserted(&self) {
        self.0.wait_until("the end of a dropped handler", |state| state.dropped > 0);
    }

    pub(super) fn open(&self) {
        let wakers = self.0.change(|state| {
            state.is_open = true;
            std::mem::take(&mut state.wakers)
        });
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Notes that who waits was dropped.
struct Waiting<'a>(&'a Gate);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.change(|state| state.dropped += 1);
    }
}
