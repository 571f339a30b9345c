//! A store whose calls are reported to an observer.

use std::fmt;
use std::time::Instant;

use crate::observe::{Event, Observer};
use crate::store::{Call, Io, Store, StoreError};

/// Reports every call of a store to an observer: the operation, its duration and its error.
///
/// [`SessionsBuilder::observer`](crate::SessionsBuilder::observer) does so for the store of
/// sessions. This is for a store that is inside another one, such as the database behind a cache,
/// and for one that is used without sessions:
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::{Event, Observer};
/// # use cloakroom::stores::{CachedStore, InstrumentedStore};
/// # #[derive(Debug)] struct DatabaseLog;
/// # impl Observer for DatabaseLog { fn observe(&self, _: &Event<'_>) {} }
/// # cloakroom::Io::future(async {
/// let database = InstrumentedStore::new(MemoryStore::new(), DatabaseLog);
/// let store = CachedStore::builder(database).build().await?;
/// let sessions: Sessions<SessionMap> = Sessions::new(store)?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
///
/// Give it an observer of its own: the observer of the sessions would count such calls twice.
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
