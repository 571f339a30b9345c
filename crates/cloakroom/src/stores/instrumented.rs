//! A store whose calls are reported to an observer.

use std::fmt;
use std::time::Instant;

use crate::observe::{Event, Observer};
use crate::store::{Call, Io, Store, StoreError};

/// Reports every call of a store to an observer: the operation, its duration and its error.
///
/// ```
/// # use std::sync::Arc;
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::{Event, Observer};
/// # use cloakroom::stores::InstrumentedStore;
/// # #[derive(Debug)] struct Log;
/// # impl Observer for Log { fn observe(&self, _: &Event<'_>) {} }
/// let log = Arc::new(Log);
/// let store = InstrumentedStore::new(MemoryStore::new(), Arc::clone(&log));
/// let sessions: Sessions<SessionMap> = Sessions::builder(store).observer(log).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// A call that its caller drops is not reported.
pub struct InstrumentedStore<S> {
    store: S,
    observer: Box<dyn Observer>,
}

impl<S: Store> InstrumentedStore<S> {
    /// Reports every call of `store` to `observer`.
    pub fn new(store: S, observer: impl Observer) -> Self {
        Self { store, observer: Box::new(observer) }
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>>,
    ) -> Io<'a, Result<T, StoreError>> {
        let began = now();
        operation(&self.store).inspect(move |answer| {
            let (took, error) = (now().duration_since(began), answer.as_ref().err());
            self.observer.observe(&Event::StoreCalled { call, took, error });
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "measures a call; no session is judged by it")]
fn now() -> Instant {
    Instant::now()
}

crate::decorate_store!(InstrumentedStore);

impl<S: fmt::Debug> fmt::Debug for InstrumentedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InstrumentedStore").field(&self.store).finish()
    }
}
