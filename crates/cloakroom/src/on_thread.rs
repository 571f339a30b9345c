//! A store that blocks, run off the threads that must not.

use std::fmt;
use std::sync::Arc;

use futures_channel::oneshot;

use crate::io::Io;
use crate::key::SessionId;
use crate::principal::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{Admission, Admitted, Ended, Inserted, Page, Store, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

type Job = Box<dyn FnOnce() + Send>;

/// Runs each operation of a blocking store as one job on another thread.
///
/// ```
/// # use cloakroom::{MemoryStore, OnThread};
/// // Any executor of jobs will do: a thread pool, or a runtime's pool for blocking work.
/// let store = OnThread::new(MemoryStore::new(), |job| {
///     std::thread::spawn(job);
/// });
/// ```
///
/// # Cancellation
/// A job that was handed over runs to its end, whether or not its caller still waits.
#[doc(alias = "Thread_IO")]
#[doc(alias = "in_thread")]
pub struct OnThread<S> {
    store: Arc<S>,
    run: Box<dyn Fn(Job) + Send + Sync>,
}

impl<S: Store> OnThread<S> {
    /// Runs `store`'s operations through `run`, which must hand each job to a thread that may block.
    pub fn new(store: S, run: impl Fn(Job) + Send + Sync + 'static) -> Self {
        Self { store: Arc::new(store), run: Box::new(run) }
    }

    /// Runs `store`'s operations on the pool for blocking work of the tokio runtime that calls.
    #[cfg(feature = "tokio")]
    pub fn tokio(store: S) -> Self {
        Self::new(store, |job| drop(tokio::task::spawn_blocking(job)))
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&S) -> Io<'_, Result<T, StoreError>> + Send + 'static,
    ) -> Io<'_, Result<T, StoreError>> {
        let (sender, receiver) = oneshot::channel();
        let store = Arc::clone(&self.store);
        (self.run)(Box::new(move || {
            // Nobody may be waiting any more; the operation counts all the same.
            let _ = sender.send(operation(&store).wait());
        }));
        Io::future(async move {
            receiver.await.unwrap_or_else(|_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)))
        })
    }
}

impl<S: Store> Store for OnThread<S> {
    fn insert(&self, id: SessionId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        self.run(move |store| store.insert(id, record))
    }

    fn get(&self, id: SessionId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.run(move |store| store.get(id))
    }

    fn replace(&self, id: SessionId, expected: Revision, record: Record) -> Io<'_, Result<Swap, StoreError>> {
        self.run(move |store| store.replace(id, expected, record))
    }

    fn touch(
        &self,
        id: SessionId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.run(move |store| store.touch(id, expected, deadline))
    }

    fn end_at(&self, id: SessionId, expected: Revision, ending: Ending) -> Io<'_, Result<Swap, StoreError>> {
        self.run(move |store| store.end_at(id, expected, ending))
    }

    fn end(&self, id: SessionId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.run(move |store| store.end(id, ending))
    }

    fn admit(&self, admission: Admission) -> Io<'_, Result<Admitted, StoreError>> {
        self.run(move |store| store.admit(admission))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let principal = principal.clone();
        self.run(move |store| Io::ready(store.revoke_before(&principal, before, until).wait()))
    }

    fn ids_of(&self, principal: &Principal, page: Page) -> Io<'_, Result<Vec<SessionId>, StoreError>> {
        let principal = principal.clone();
        self.run(move |store| Io::ready(store.ids_of(&principal, page).wait()))
    }

    fn scan(&self, page: Page) -> Io<'_, Result<Vec<(SessionId, Stored)>, StoreError>> {
        self.run(move |store| store.scan(page))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.run(move |store| store.sweep(now, limit))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.run(Store::health)
    }
}

impl<S: fmt::Debug> fmt::Debug for OnThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnThread").field(&self.store).finish()
    }
}
