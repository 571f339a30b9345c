//! A blocking store behind asynchronous callers.

use std::fmt;
use std::sync::Arc;

use futures_channel::oneshot;

use crate::store::{Call, Io, Store, StoreError, StoreErrorKind};

type Job = Box<dyn FnOnce() + Send>;

/// Runs each operation of a blocking store as a job on another thread.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # use cloakroom::stores::BlockingStore;
/// // Any executor of jobs works: a thread pool, or a runtime's pool for blocking work.
/// let store = BlockingStore::new(MemoryStore::new(), |job| {
///     std::thread::spawn(job);
/// });
/// ```
///
/// # Cancellation
/// A job that has been handed over runs to its end, even if its caller is dropped.
#[doc(alias = "Thread_IO")]
#[doc(alias = "in_thread")]
pub struct BlockingStore<S> {
    store: Arc<S>,
    run: Box<dyn Fn(Job) + Send + Sync>,
}

impl<S: Store> BlockingStore<S> {
    /// Runs the operations of `store` through `run`, which must hand each job to a thread that can
    /// block.
    pub fn new(store: S, run: impl Fn(Job) + Send + Sync + 'static) -> Self {
        Self { store: Arc::new(store), run: Box::new(run) }
    }

    /// Runs the operations of `store` with `tokio::task::spawn_blocking`, on the runtime of the
    /// caller.
    #[cfg(feature = "tokio")]
    pub fn tokio(store: S) -> Self {
        Self::new(store, |job| drop(tokio::task::spawn_blocking(job)))
    }

    fn around<T: Send + 'static>(
        &self,
        _: Call,
        operation: impl FnOnce(&S) -> Io<'_, Result<T, StoreError>> + Send + 'static,
    ) -> Io<'_, Result<T, StoreError>> {
        let (sender, receiver) = oneshot::channel();
        let store = Arc::clone(&self.store);
        (self.run)(Box::new(move || {
            // Sending fails if the caller was dropped; the operation was done all the same.
            let _ = sender.send(operation(&store).wait());
        }));
        Io::future(async move {
            receiver
                .await
                .unwrap_or_else(|_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)))
        })
    }
}

crate::decorate_store!(BlockingStore);

impl<S: fmt::Debug> fmt::Debug for BlockingStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingStore").field(&self.store).finish()
    }
}
