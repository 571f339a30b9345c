//! A store and what must live as long as it.

use std::any::Any;

use cloakroom::store::{Call, StoreError};
use cloakroom::{Io, Store, decorate_store};

/// A store that keeps something alive: the directory of its file, the server behind it.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # use cloakroom_testkit::Guarded;
/// # struct Directory;
/// let store = Guarded::new(MemoryStore::new(), Directory);
/// ```
///
/// The store is dropped first.
#[derive(Debug)]
pub struct Guarded<S> {
    // Fields are dropped in this order.
    store: S,
    _guard: Box<dyn Any + Send + Sync>,
}

impl<S: Store> Guarded<S> {
    /// `store`, and `guard` for as long.
    pub fn new(store: S, guard: impl Any + Send + Sync) -> Self {
        Self { store, _guard: Box::new(guard) }
    }

    fn around<'a, T>(
        &'a self,
        _: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>>,
    ) -> Io<'a, Result<T, StoreError>> {
        operation(&self.store)
    }
}

decorate_store!(Guarded);
