//! How much a near cache keeps, and for how long it trusts it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CachedStore;
use super::entries::Entries;
use crate::store::{Io, Store, StoreError, Subscriber};
use crate::time::{Clock, Timestamp};

/// Configures a [`CachedStore`]; made by [`CachedStore::builder`].
#[derive(Debug)]
#[must_use = "nothing is cached until `build` is called"]
pub struct CachedStoreBuilder<S> {
    store: S,
    capacity_bytes: u64,
    max_staleness: Duration,
    clock: Arc<dyn Clock>,
}

impl<S: Store> CachedStoreBuilder<S> {
    pub(super) fn new(store: S) -> Self {
        let clock = Arc::new(Monotonic(now()));
        Self { store, capacity_bytes: 64 << 20, max_staleness: Duration::from_secs(3), clock }
    }

    /// Sets how many bytes, roughly, the cached sessions can take; 64 MiB by default.
    ///
    /// If more are needed, sessions that are rarely used are evicted. A value that is kept decoded
    /// counts as well, next to its bytes. If a [`Codec`](crate::value::Codec) of your own wrote it,
    /// only its bytes are kept, because nothing tells how much memory it takes.
    pub const fn capacity_bytes(mut self, bytes: u64) -> Self {
        self.capacity_bytes = bytes;
        self
    }

    /// Sets how long a cached record is used after it was read, or after the store last reported
    /// that the cache is up to date; three seconds by default.
    ///
    /// # Security
    /// For this long the node can still accept a session that was ended on another node, if the
    /// store cannot report it. Values below two seconds make the cache of little use, because a
    /// store reports once a second.
    pub const fn max_staleness(mut self, span: Duration) -> Self {
        self.max_staleness = span;
        self
    }

    /// Uses another clock than the process's monotonic one, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Subscribes to the store's changes and starts to cache.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be asked for its changes. A store that has no change feed
    /// is not an error.
    pub fn build(self) -> Io<'static, Result<CachedStore<S>, StoreError>> {
        let entries = Arc::new(Entries::new(self.capacity_bytes, self.max_staleness, self.clock));
        Io::future(async move {
            let subscriber: Arc<dyn Subscriber> = Arc::<Entries>::clone(&entries);
            // Without a feed, `caught_up_to` is never called, and only the time of the read counts.
            let _ = self.store.subscribe(subscriber).await?;
            Ok(CachedStore { store: self.store, entries })
        })
    }
}

/// The time since the cache was configured, which no one can set back.
#[derive(Debug)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.after(now().saturating_duration_since(self.0))
    }
}

#[expect(clippy::disallowed_methods, reason = "the age of cache entries, not of sessions")]
fn now() -> Instant {
    Instant::now()
}
