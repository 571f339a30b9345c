//! A clock that is turned by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::time::Clock;

/// A clock that stands still until it is turned. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Where every manual clock begins: the year 2100, since no test goes by the real time.
    pub const START: Timestamp = Timestamp::from_millis(4_102_444_800_000);

    /// A clock that shows the first moment of the year 2100: ahead of every machine's own clock, so that no engine's own
    /// expiry removes what a test has yet to look at.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Self::START.as_millis())))
    }

    /// Turns the clock on by `span`.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }

    /// Sets the clock, back if need be.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// What the clock shows.
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
