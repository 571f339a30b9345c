//! Clocks for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
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

/// The clock of one node, ahead of another clock or behind it. Clones show the same time.
///
/// ```
/// # use cloakroom_testkit::{ManualClock, OffsetClock};
/// # use std::time::Duration;
/// let right = ManualClock::new();
/// let node = OffsetClock::of(right.clone()); // for `SessionsBuilder::clock`
/// node.set_ahead(Duration::from_secs(5));
/// right.advance(Duration::from_secs(60));
/// assert_eq!(node.now().since(right.now()), Duration::from_secs(5));
/// ```
///
/// The clock of a private server is that of this machine. A server whose clock is ahead is tested
/// by nodes whose clocks are behind: `OffsetClock::of(SystemClock)`.
#[derive(Clone, Debug)]
pub struct OffsetClock {
    base: Arc<dyn Clock>,
    /// In milliseconds.
    ahead: Arc<AtomicI64>,
}

impl OffsetClock {
    /// A clock that shows the time of `base` until it is set.
    pub fn of(base: impl Clock) -> Self {
        Self { base: Arc::new(base), ahead: Arc::default() }
    }

    /// Sets the clock ahead of its base by `span`; zero corrects it.
    pub fn set_ahead(&self, span: Duration) {
        self.ahead.store(millis(span), Ordering::SeqCst);
    }

    /// Sets the clock behind its base by `span`.
    pub fn set_behind(&self, span: Duration) {
        self.ahead.store(-millis(span), Ordering::SeqCst);
    }

    /// The time that the clock shows.
    pub fn now(&self) -> Timestamp {
        let (base, ahead) = (self.base.now().as_millis(), self.ahead.load(Ordering::SeqCst));
        Timestamp::from_millis(base.saturating_add_signed(ahead))
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
