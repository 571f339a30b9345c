//! A store together with what it depends on.

use std::any::Any;

use cloakroom::{Store, decorate_store};

/// A store that keeps something alive, such as its temporary directory or its server.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # use cloakroom_testkit::Guarded;
/// # struct TempDir;
/// let store = Guarded::new(MemoryStore::new(), TempDir);
/// ```
///
/// The store is dropped before the guard.
#[derive(Debug)]
pub struct Guarded<S> {
    // Fields are dropped in the order of their declaration.
    store: S,
    _guard: Box<dyn Any + Send + Sync>,
}

impl<S: Store> Guarded<S> {
    /// Keeps `guard` for as long as `store`.
    pub fn new(store: S, guard: impl Any + Send + Sync) -> Self {
        Self { store, _guard: Box::new(guard) }
    }
}

impl<S: Store> Store for Guarded<S> {
    decorate_store!(self => &self.store; all);
}
