//! A store that answers in time, or says that it did not.

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::store::{Call, Io, Operation, Store, StoreError, StoreErrorKind};

/// Answers every call of a store within a span of time: one that takes longer is an error.
///
/// Stores that speak to a server have timeouts of their own for each of its answers; a call may wait for several of them,
/// for a connection, and for its turn. This bounds all of it together, whatever the store.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::stores::TimeoutStore;
/// # use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cloakroom::ConfigError> {
/// let store = TimeoutStore::new(MemoryStore::new(), Duration::from_secs(2));
/// let sessions: Sessions<SessionMap> = Sessions::new(store)?;
/// # Ok(()) }
/// ```
///
/// Sweeps and scans are bounded likewise: ask for small parts.
///
/// # Cancellation
/// A call that took too long is dropped: it happens absolute_timeout or not at all, and the error says that nobody knows which.
pub struct TimeoutStore<S> {
    store: S,
    span: Duration,
    runtime: Handle,
}

/// That a store took too long.
#[derive(Clone, Copy, Debug)]
struct TookTooLong(Operation, Duration);

impl<S: Store> TimeoutStore<S> {
    /// `store`, each of whose calls takes `span` at most.
    ///
    /// # Panics
    /// Outside a tokio runtime, or in one without a clock: the time is told by the one that this is called in.
    pub fn new(store: S, span: Duration) -> Self {
        Self { store, span, runtime: Handle::current() }
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        let answer = operation(&self.store);
        if answer.is_ready() {
            return answer;
        }
        Io::future(async move {
            let limited = {
                // Whoever waits may be a thread that knows of no runtime.
                let _inside = self.runtime.enter();
                tokio::time::timeout(self.span, answer)
            };
            limited.await.unwrap_or_else(|_| Err(took_too_long(call.operation, self.span)))
        })
    }
}

crate::decorate_store!(TimeoutStore);

/// A read that took too long changed nothing.
fn took_too_long(operation: Operation, span: Duration) -> StoreError {
    use Operation::{Get, Health, Scan, SessionsOf, Subscribe};

    let is_read = matches!(operation, Get | SessionsOf | Scan | Health | Subscribe);
    let kind = StoreErrorKind::Unavailable;
    let error =
        if is_read { StoreError::not_sent(kind) } else { StoreError::outcome_unknown(kind) };
    error.with_source(TookTooLong(operation, span))
}

impl<S: fmt::Debug> fmt::Debug for TimeoutStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutStore")
            .field("store", &self.store)
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TookTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` took longer than {:?}", self.0, self.1)
    }
}

impl std::error::Error for TookTooLong {}
