//! A store that records its calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::store::{Call, Operation, StoreError};
use cloakroom::{Io, Store, decorate_store};

/// Records every call of the store inside.
///
/// Clones share one log: give one to the manager and keep the other.
///
/// ```
/// # use cloakroom::{MemoryStore, Store};
/// # use cloakroom_testkit::{Calls, SpyStore};
/// let spy = SpyStore::new(MemoryStore::new());
/// spy.clone().health().wait()?;
/// assert_eq!(spy.calls(), Calls { health: 1, ..Calls::default() });
/// # Ok::<(), cloakroom::store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct SpyStore<S> {
    store: Arc<S>,
    log: Arc<Mutex<Vec<Call>>>,
}

impl<S: Store> SpyStore<S> {
    /// Records the calls of `store`.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), log: Arc::default() }
    }

    /// How often each operation was called.
    pub fn calls(&self) -> Calls {
        let mut calls = Calls::default();
        self.lock().iter().for_each(|call| calls.count(call.operation));
        calls
    }

    /// Every call, in order.
    pub fn log(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// Clears the log.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        self.lock().push(call);
        operation(&self.store)
    }
}

decorate_store!(SpyStore);

impl<S> Clone for SpyStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), log: Arc::clone(&self.log) }
    }
}

/// How often each operation was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field counts the operation it is named after")]
#[expect(clippy::exhaustive_structs, reason = "tests compare with a literal")]
pub struct Calls {
    pub insert: usize,
    pub get: usize,
    pub replace: usize,
    pub touch: usize,
    pub end_if: usize,
    pub end: usize,
    pub index_login: usize,
    pub revoke_before: usize,
    pub erase: usize,
    pub sessions_of: usize,
    pub scan: usize,
    pub sweep: usize,
    pub health: usize,
    pub subscribe: usize,
}

impl Calls {
    /// The number of calls of any operation.
    pub const fn total(&self) -> usize {
        let Self { insert, get, replace, touch, end_if, end, index_login, .. } = *self;
        let Self { revoke_before, erase, sessions_of, scan, sweep, health, subscribe, .. } = *self;
        let others = erase + sessions_of + scan + sweep + health + subscribe;
        insert + get + replace + touch + end_if + end + index_login + revoke_before + others
    }

    fn count(&mut self, operation: Operation) {
        *match operation {
            Operation::Insert => &mut self.insert,
            Operation::Get => &mut self.get,
            Operation::Replace => &mut self.replace,
            Operation::Touch => &mut self.touch,
            Operation::EndIf => &mut self.end_if,
            Operation::End => &mut self.end,
            Operation::IndexLogin => &mut self.index_login,
            Operation::RevokeBefore => &mut self.revoke_before,
            Operation::Erase => &mut self.erase,
            Operation::SessionsOf => &mut self.sessions_of,
            Operation::Scan => &mut self.scan,
            Operation::Sweep => &mut self.sweep,
            Operation::Health => &mut self.health,
            Operation::Subscribe => &mut self.subscribe,
        } += 1;
    }
}
