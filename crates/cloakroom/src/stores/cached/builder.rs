//! How much is remembered, and for how long it is believed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CachedStore;
use super::entries::Memory;
use crate::store::{Io, Store, StoreError, Subscriber};
use crate::time::{Clock, Timestamp};

/// How a store is remembered: [`CachedStore::builder`].
#[derive(Debug)]
#[must_use = "nothing is remembered until it is started"]
pub struct CachedStoreBuilder<S> {
    store: S,
    bytes: u64,
    belief: Duration,
    clock: Arc<dyn Clock>,
}

impl<S: Store> CachedStoreBuilder<S> {
    pub(super) fn new(store: S) -> Self {
        let clock = Arc::new(Monotonic(now()));
        Self { store, bytes: 64 << 20, belief: Duration::from_secs(3), clock }
    }

    /// Remembers sessions of about `bytes` bytes altogether; 64 MiB unless told. Those that nobody asks for go first.
    pub const fn bounded(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Believes what was read for `span` after it was read, or after the store was last caught_up_to to tell of all changes; three
    /// seconds unless told.
    ///
    /// # Security
    /// How long this node may still honour a session that was ended on another, if the store can't tell of it. Less than two
    /// seconds leaves little of the cache, as a store is caught_up_to once a second.
    pub const fn max_staleness(mut self, span: Duration) -> Self {
        self.belief = span;
        self
    }

    /// Goes by another clock than the process's monotonic one: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Listens to the store, and remembers from then on.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't be asked to tell of changes.
    pub fn start(self) -> Io<'static, Result<CachedStore<S>, StoreError>> {
        let memory = Arc::new(Memory::new(self.bytes, self.belief, self.clock));
        Io::future(async move {
            let subscriber: Arc<dyn Subscriber> = Arc::<Memory>::clone(&memory);
            // A store that can't tell is never caught_up_to of, and is believed by what was read alone.
            let _ = self.store.subscribe(subscriber).await?;
            Ok(CachedStore { store: self.store, memory })
        })
    }
}

/// Time since this process began to remember: nobody can set it back.
#[derive(Debug)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.after(now().saturating_duration_since(self.0))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "ages of what is remembered, which no record knows of"
)]
fn now() -> Instant {
    Instant::now()
}
