//! A store whose calls are timed.

use std::fmt;
use std::time::Instant;

use crate::observe::{Event, Observer};
use crate::store::{Call, Io, Store, StoreError};

/// Reports every call of the store inside to an observer: what was asked, how long it took, whether it failed.
///
/// ```
/// # use std::sync::Arc;
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::{Event, Observer};
/// # use cloakroom::stores::InstrumentedStore;
/// # #[derive(Debug)] struct ToTheLog;
/// # impl Observer for ToTheLog { fn observe(&self, _: &Event<'_>) {} }
/// let log = Arc::new(ToTheLog);
/// let store = InstrumentedStore::new(MemoryStore::new(), Arc::clone(&log));
/// let sessions: Sessions<SessionMap> = Sessions::builder(store).observer(log).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// A call that its caller gave up is not reported.
pub struct InstrumentedStore<S> {
    store: S,
    observer: Box<dyn Observer>,
}

impl<S: Store> InstrumentedStore<S> {
    /// Tells `observer` of every call of `store`.
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

/// How long a call takes is no business of the sessions' clock, and decides nothing.
#[expect(clippy::disallowed_methods, reason = "measures, and never judges")]
fn now() -> Instant {
    Instant::now()
}

crate::decorate_store!(InstrumentedStore);

impl<S: fmt::Debug> fmt::Debug for InstrumentedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InstrumentedStore").field(&self.store).finish()
    }
}
