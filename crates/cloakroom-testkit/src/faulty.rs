//! A store that fails on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::store::{Call, Operation, StoreError, StoreErrorKind};
use cloakroom::{Io, Store, decorate_store};

/// Fails as it is told to. Give a clone to the manager and keep the other: both follow the same orders.
#[derive(Debug)]
pub struct FaultyStore<S> {
    store: Arc<S>,
    orders: Arc<Mutex<Orders>>,
}

/// How an operation fails; always as `Unavailable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "known not to have happened, or unknown and either")]
pub enum Fault {
    /// It did not happen, and the caller is told so.
    NotSent,
    /// It did not happen, and the caller can't know.
    LostBefore,
    /// It happened, and the caller can't know: the answer was lost.
    LostAfter,
}

#[derive(Debug, Default)]
struct Orders {
    all: Option<Fault>,
    /// Each holds for the next operation, or for the next of one sort, and then no more.
    once: VecDeque<(Option<Operation>, Fault)>,
}

impl<S: Store> FaultyStore<S> {
    /// A store that does not fail yet.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), orders: Arc::default() }
    }

    /// Lets the next operation fail; asked twice, the next two.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().once.push_back((None, fault));
    }

    /// Lets the next operation of this sort fail; asked twice, the next two.
    pub fn fail_on(&self, operation: Operation, fault: Fault) {
        self.lock().once.push_back((Some(operation), fault));
    }

    /// Lets every operation fail from now on, or with `None` no more.
    pub fn fail_all(&self, fault: Option<Fault>) {
        self.lock().all = fault;
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        const KIND: StoreErrorKind = StoreErrorKind::Unavailable;
        match self.lock().fault(call.operation) {
            None => operation(&self.store),
            Some(Fault::NotSent) => Io::ready(Err(StoreError::not_sent(KIND))),
            Some(Fault::LostBefore) => Io::ready(Err(StoreError::outcome_unknown(KIND))),
            Some(Fault::LostAfter) => {
                operation(&self.store).map(|_| Err(StoreError::outcome_unknown(KIND)))
            }
        }
    }
}

decorate_store!(FaultyStore);

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), orders: Arc::clone(&self.orders) }
    }
}

impl Orders {
    fn fault(&mut self, operation: Operation) -> Option<Fault> {
        let found = self.once.iter().position(|(on, _)| on.is_none_or(|on| on == operation));
        match found.and_then(|position| self.once.remove(position)) {
            Some((_, fault)) => Some(fault),
            None => self.all,
        }
    }
}
