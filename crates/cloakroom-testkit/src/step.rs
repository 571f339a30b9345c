//! A store that is always on its way.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use cloakroom::store::{Call, Operation, StoreError};
use cloakroom::{Io, Store, decorate_store};

use crate::watched::Watched;

/// Halts once before and once after each operation, so that a test can drop a caller at every point it may be at;
/// and holds operations back until it is told to let them go.
///
/// A halt is one `Pending` whose waker was woken already: whoever waits is not kept waiting. Clones share the holds.
#[derive(Debug)]
pub struct StepStore<S> {
    store: Arc<S>,
    holds: Arc<Mutex<Vec<Hold>>>,
}

#[derive(Debug)]
struct Hold {
    on: Option<Operation>,
    /// Whether it is done, and its answer held back.
    is_done: bool,
    /// Operations to let pass first.
    skip: usize,
    held: Arc<Watched<State>>,
}

impl<S: Store> StepStore<S> {
    /// Halts around each operation of `store`.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), holds: Arc::default() }
    }

    /// Holds back the next operation of this sort; all others pass.
    pub fn hold(&self, operation: Operation) -> Held {
        self.add(Some(operation), false, 0)
    }

    /// Lets the next operation of this sort be done, and holds back its answer; all others pass.
    pub fn hold_answer(&self, operation: Operation) -> Held {
        self.add(Some(operation), true, 0)
    }

    /// Holds back operation `n` from now, of whatever sort; 0 is the next one. All others pass.
    pub fn hold_nth(&self, n: usize) -> Held {
        self.add(None, false, n)
    }

    fn add(&self, on: Option<Operation>, is_done: bool, skip: usize) -> Held {
        let held = Arc::default();
        self.lock().push(Hold { on, is_done, skip, held: Arc::clone(&held) });
        Held(held)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Hold>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hold that this call runs into, before or after it is done, if any.
    fn caught(&self, call: Call, is_done: bool) -> Option<Held> {
        let mut holds = self.lock();
        let mut caught = None;
        for (position, hold) in holds.iter_mut().enumerate() {
            if hold.is_done != is_done || hold.on.is_some_and(|on| on != call.operation) {
                continue;
            }
            if hold.skip > 0 {
                hold.skip -= 1;
            } else if caught.is_none() {
                caught = Some(position);
            }
        }
        caught.map(|position| Held(holds.remove(position).held))
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        Io::future(async move {
            halt().await;
            if let Some(held) = self.caught(call, false) {
                held.released().await;
            }
            let answer = operation(&self.store).await;
            if let Some(held) = self.caught(call, true) {
                held.released().await;
            }
            halt().await;
            answer
        })
    }
}

decorate_store!(StepStore);

impl<S> Clone for StepStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), holds: Arc::clone(&self.holds) }
    }
}

/// An operation that is held back, or will be as soon as it arrives, until [`release`](Held::release).
#[derive(Debug)]
#[must_use = "nobody else can release the operation"]
pub struct Held(Arc<Watched<State>>);

#[derive(Debug, Default)]
struct State {
    arrived: bool,
    released: bool,
    dropped: bool,
    waker: Option<Waker>,
}

impl Held {
    /// True once the operation has arrived.
    pub fn has_arrived(&self) -> bool {
        self.0.look(|state| state.arrived)
    }

    /// Blocks this thread until the operation has arrived.
    ///
    /// # Panics
    /// If it does not come for a minute.
    pub fn wait_for_arrival(&self) {
        self.0.wait_until("an operation of the store", |state| state.arrived);
    }

    /// Blocks this thread until whoever waits for the held operation has dropped it.
    ///
    /// # Panics
    /// If nobody drops it for a minute.
    pub fn wait_for_drop(&self) {
        self.0.wait_until("the end of a dropped operation", |state| state.dropped);
    }

    /// Lets the operation go on, now or when it arrives.
    pub fn release(&self) {
        let waker = self.0.change(|state| {
            state.released = true;
            state.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn released(&self) {
        let waiting = Waiting(self);
        poll_fn(|context| {
            self.0.change(|state| {
                state.arrived = true;
                if state.released {
                    return Poll::Ready(());
                }
                state.waker = Some(context.waker().clone());
                Poll::Pending
            })
        })
        .await;
        std::mem::forget(waiting);
    }
}

/// Notes that who waits was dropped.
struct Waiting<'a>(&'a Held);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.change(|state| state.dropped = true);
    }
}

/// `Pending` once.
async fn halt() {
    let mut halted = false;
    poll_fn(|context| {
        if halted {
            return Poll::Ready(());
        }
        halted = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
