//! A store that suspends around every operation.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use cloakroom::store::{Call, Operation, StoreError};
use cloakroom::{Io, Store, decorate_store};

use crate::monitor::Monitor;

/// Suspends once before and once after each operation, and holds operations back on demand.
///
/// With it a test can drop a caller at each of its await points, or let another caller overtake it.
/// A suspension is one `Pending` whose waker has already been woken, so it costs no time. Clones
/// share the holds.
///
/// ```
/// # use cloakroom::{MemoryStore, Store};
/// # use cloakroom_testkit::{Operation, StepStore, block_on};
/// let store = StepStore::new(MemoryStore::new());
/// let held = store.hold(Operation::Health);
/// std::thread::scope(|scope| {
///     let caller = scope.spawn(|| block_on(store.health()));
///     held.wait_for_arrival();
///     // Whatever happens here happens while the caller waits.
///     held.release();
///     assert!(caller.join().unwrap().is_ok());
/// });
/// ```
#[derive(Debug)]
pub struct StepStore<S> {
    store: Arc<S>,
    holds: Arc<Mutex<Vec<Hold>>>,
}

#[derive(Debug)]
struct Hold {
    on: Option<Operation>,
    /// Whether the operation is carried out and only its answer held back.
    after: bool,
    /// How many matching operations pass first.
    skip: usize,
    state: Arc<Monitor<State>>,
}

impl<S: Store> StepStore<S> {
    /// Suspends around each operation of `store`.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), holds: Arc::default() }
    }

    /// Holds back the next operation of this kind. All others pass.
    pub fn hold(&self, operation: Operation) -> HeldCall {
        self.add(Some(operation), false, 0)
    }

    /// Carries out the next operation of this kind and holds back its answer. All others pass.
    pub fn hold_answer(&self, operation: Operation) -> HeldCall {
        self.add(Some(operation), true, 0)
    }

    /// Holds back the `n`th operation from now, of any kind; 0 is the next. All others pass.
    pub fn hold_nth(&self, n: usize) -> HeldCall {
        self.add(None, false, n)
    }

    fn add(&self, on: Option<Operation>, after: bool, skip: usize) -> HeldCall {
        let state = Arc::default();
        self.lock().push(Hold { on, after, skip, state: Arc::clone(&state) });
        HeldCall(state)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Hold>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the hold that applies to this call, before or after it is carried out.
    fn take_hold(&self, call: Call, after: bool) -> Option<HeldCall> {
        let mut holds = self.lock();
        let mut found = None;
        for (position, hold) in holds.iter_mut().enumerate() {
            if hold.after != after || hold.on.is_some_and(|on| on != call.operation) {
                continue;
            }
            if hold.skip > 0 {
                hold.skip -= 1;
            } else if found.is_none() {
                found = Some(position);
            }
        }
        found.map(|position| HeldCall(holds.remove(position).state))
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        Io::future(async move {
            suspend().await;
            if let Some(held) = self.take_hold(call, false) {
                held.released().await;
            }
            let answer = operation(&self.store).await;
            if let Some(held) = self.take_hold(call, true) {
                held.released().await;
            }
            suspend().await;
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

/// A call that is held back, once it arrives, until [`release`](HeldCall::release).
#[derive(Debug)]
#[must_use = "only this handle can release the call"]
pub struct HeldCall(Arc<Monitor<State>>);

#[derive(Debug, Default)]
struct State {
    arrived: bool,
    released: bool,
    dropped: bool,
    waker: Option<Waker>,
}

impl HeldCall {
    /// True once the call has arrived.
    pub fn has_arrived(&self) -> bool {
        self.0.read(|state| state.arrived)
    }

    /// Blocks this thread until the call has arrived.
    ///
    /// # Panics
    /// After one minute.
    pub fn wait_for_arrival(&self) {
        self.0.wait_until("a store operation to arrive", |state| state.arrived);
    }

    /// Blocks this thread until the caller has dropped the call.
    ///
    /// # Panics
    /// After one minute.
    pub fn wait_for_drop(&self) {
        self.0.wait_until("a store operation to be dropped", |state| state.dropped);
    }

    /// Lets the call go on, now or when it arrives.
    pub fn release(&self) {
        let waker = self.0.update(|state| {
            state.released = true;
            state.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn released(&self) {
        let on_drop = NoteDrop(self);
        poll_fn(|context| {
            self.0.update(|state| {
                state.arrived = true;
                if state.released {
                    return Poll::Ready(());
                }
                state.waker = Some(context.waker().clone());
                Poll::Pending
            })
        })
        .await;
        std::mem::forget(on_drop);
    }
}

/// Records that the waiting future was dropped.
struct NoteDrop<'a>(&'a HeldCall);

impl Drop for NoteDrop<'_> {
    fn drop(&mut self) {
        self.0.0.update(|state| state.dropped = true);
    }
}

/// Is pending once.
async fn suspend() {
    let mut suspended = false;
    poll_fn(|context| {
        if suspended {
            return Poll::Ready(());
        }
        suspended = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
