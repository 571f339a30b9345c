//! A store that fails on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::store::{Call, Operation, StoreError, StoreErrorKind};
use cloakroom::{Io, Store, decorate_store};

/// Fails when a test tells it to.
///
/// Clones share their faults: give one to the manager and keep the other.
///
/// ```
/// # use cloakroom::{ErrorKind, MemoryStore, SessionMap, Sessions};
/// # use cloakroom_testkit::{Fault, FaultyStore, block_on};
/// let store = FaultyStore::new(MemoryStore::new());
/// let sessions: Sessions<SessionMap> = Sessions::new(store.clone()).unwrap();
/// store.fail_next(Fault::NotSent);
/// let error = block_on(sessions.generate(SessionMap::default())).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// assert!(block_on(sessions.generate(SessionMap::default())).is_ok());
/// ```
#[derive(Debug)]
pub struct FaultyStore<S> {
    store: Arc<S>,
    faults: Arc<Mutex<Faults>>,
}

/// How an operation fails, always with the kind `Unavailable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an operation is known not to have happened, or unknown and either"
)]
pub enum Fault {
    /// The operation did not happen, and the caller knows it.
    NotSent,
    /// The operation did not happen, and the caller cannot know.
    LostBefore,
    /// The operation happened, and the caller cannot know: the answer was lost.
    LostAfter,
}

#[derive(Debug, Default)]
struct Faults {
    all: Option<Fault>,
    /// Each applies once, to the next operation or to the next of one kind.
    once: VecDeque<(Option<Operation>, Fault)>,
}

impl<S: Store> FaultyStore<S> {
    /// Passes everything on to `store` until told to fail.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), faults: Arc::default() }
    }

    /// Makes the next operation fail. Called twice, it makes the next two fail.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().once.push_back((None, fault));
    }

    /// Makes the next operation of this kind fail. Called twice, it makes the next two fail.
    pub fn fail_on(&self, operation: Operation, fault: Fault) {
        self.lock().once.push_back((Some(operation), fault));
    }

    /// Makes every operation fail from now on, or none with `None`.
    pub fn fail_all(&self, fault: Option<Fault>) {
        self.lock().all = fault;
    }

    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        const KIND: StoreErrorKind = StoreErrorKind::Unavailable;
        match self.lock().take(call.operation) {
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
        Self { store: Arc::clone(&self.store), faults: Arc::clone(&self.faults) }
    }
}

impl Faults {
    fn take(&mut self, operation: Operation) -> Option<Fault> {
        let found = self.once.iter().position(|(on, _)| on.is_none_or(|on| on == operation));
        match found.and_then(|position| self.once.remove(position)) {
            Some((_, fault)) => Some(fault),
            None => self.all,
        }
    }
}
