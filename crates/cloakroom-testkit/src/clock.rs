//! A clock for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::time::Clock;

/// A clock that moves only when it is told to. Clones show the same time.
///
/// ```
/// # use cloakroom_testkit::ManualClock;
/// # use std::time::Duration;
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().since(before), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// The time of a new clock: the first moment of the year 2100.
    pub const START: Timestamp = Timestamp::from_millis(4_102_444_800_000);

    /// A clock that shows [`START`](Self::START).
    ///
    /// That is ahead of any real clock, so a store engine with an expiry of its own never removes
    /// an entry that a test still needs.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Self::START.as_millis())))
    }

    /// Moves the clock forward by `span`.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }

    /// Sets the clock, which may move it back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// The time that the clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}
