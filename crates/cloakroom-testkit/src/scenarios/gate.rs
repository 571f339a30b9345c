//! Where handlers wait for the test.

use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use cloakroom::Io;

/// How long no handler may come before the test gives the server up for dead.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a slow handler waits until the test lets it go on. It is shut at first; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    arrivals: usize,
    wakers: Vec<Waker>,
}

impl Gate {
    /// Waits until the gate is open: await it, or in a server that blocks call its `wait`.
    pub fn pass(&self) -> Io<'static, ()> {
        self.lock().arrivals += 1;
        self.0.arrived.notify_all();
        let gate = self.clone();
        Io::future(poll_fn(move |context| {
            let mut state = gate.lock();
            if state.is_open {
                return Poll::Ready(());
            }
            state.wakers.push(context.waker().clone());
            Poll::Pending
        }))
    }

    /// Waits until so many handlers in all have come to the gate.
    pub(super) fn reached_by(&self, count: usize) {
        let mut state = self.lock();
        while state.arrivals < count {
            let waited = self.0.arrived.wait_timeout(state, PATIENCE);
            let (after, silence) = waited.unwrap_or_else(PoisonError::into_inner);
            assert!(!silence.timed_out(), "no handler came to the gate");
            state = after;
        }
    }

    pub(super) fn open(&self) {
        let wakers = {
            let mut state = self.lock();
            state.is_open = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
