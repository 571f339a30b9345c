//! A store whose calls end within a given time.

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::store::{Call, Io, Operation, Store, StoreError, StoreErrorKind};

/// Fails every call of a store that takes longer than a timeout.
///
/// For a store that has no timeout of its own, or one for each answer of a server: a call can wait
/// for several of them, for a connection and for its turn.
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
/// The timeout also applies to sweeps and scans, so ask for small parts.
///
/// # Cancellation
/// A call that took too long is dropped. A write may have happened, and its error says so.
pub struct TimeoutStore<S> {
    store: S,
    timeout: Duration,
    runtime: Handle,
}

/// The source of the error of a call that took too long.
#[derive(Clone, Copy, Debug)]
struct TimedOut(Operation, Duration);

impl<S: Store> TimeoutStore<S> {
    /// Fails calls of `store` that take longer than `timeout`, measured by the current runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime. Calls panic if the runtime's timer is not enabled.
    pub fn new(store: S, timeout: Duration) -> Self {
        Self { store, timeout, runtime: Handle::current() }
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
        let is_queued = answer.is_queued();
        let limited = async move {
            let limited = {
                // The caller can be on a thread that has no runtime.
                let _entered = self.runtime.enter();
                tokio::time::timeout(self.timeout, answer)
            };
            limited.await.unwrap_or_else(|_| Err(timed_out(call.operation, self.timeout)))
        };
        if is_queued { Io::queued(limited) } else { Io::future(limited) }
    }
}

crate::decorate_store!(TimeoutStore);

/// The error of a call that took too long. Only a write may have changed anything.
fn timed_out(operation: Operation, timeout: Duration) -> StoreError {
    use Operation::{Get, Health, Scan, SessionsOf, Subscribe};

    let is_read = matches!(operation, Get | SessionsOf | Scan | Health | Subscribe);
    let kind = StoreErrorKind::Unavailable;
    let error =
        if is_read { StoreError::not_sent(kind) } else { StoreError::outcome_unknown(kind) };
    error.with_source(TimedOut(operation, timeout))
}

impl<S: fmt::Debug> fmt::Debug for TimeoutStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutStore")
            .field("store", &self.store)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` took longer than {:?}", self.0, self.1)
    }
}

impl std::error::Error for TimedOut {}
