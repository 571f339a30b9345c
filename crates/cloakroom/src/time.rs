//! Points in time as records store them, and the clock that [`Sessions`](crate::Sessions) reads.
//!
//! Tests replace the clock ([`SessionsBuilder::clock`](crate::SessionsBuilder::clock)).

mod alarm;
mod wait_limit;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use wait_limit::WaitLimit;

/// A point in time, in whole milliseconds since the Unix epoch.
///
/// A deadline has passed as soon as `now >= deadline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch, the earliest timestamp.
    pub const EPOCH: Self = Self(0);
    /// The latest timestamp; as a deadline, it means "never".
    pub const NEVER: Self = Self(u64::MAX);

    /// The timestamp `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This timestamp plus `span`; [`Timestamp::NEVER`] if the sum is too large.
    #[must_use = "the later timestamp is returned"]
    pub fn after(self, span: Duration) -> Self {
        Self(
            u64::try_from(span.as_millis())
                .map_or(u64::MAX, |millis| self.0.saturating_add(millis)),
        )
    }

    pub(crate) fn after_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The span from `earlier` to this timestamp; zero if `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// True once `now` has reached this deadline.
    pub fn has_passed(self, now: Self) -> bool {
        now >= self
    }
}

/// The source of the time by which sessions are judged.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The system's wall clock, which is the default.
///
/// All nodes of a store share its deadlines, so keep their clocks synchronised (NTP). A skew of a
/// few seconds moves deadlines by as much.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the only place that reads the system clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_passed_at_exactly_its_millisecond() {
        let deadline = Timestamp::from_millis(1_000);
        assert!(!deadline.has_passed(Timestamp::from_millis(999)));
        assert!(deadline.has_passed(deadline));
    }

    #[test]
    fn a_sum_that_is_too_large_means_never() {
        assert_eq!(Timestamp::from_millis(5).after(Duration::MAX), Timestamp::NEVER);
        assert!(!Timestamp::NEVER.has_passed(Timestamp::from_millis(u64::MAX - 1)));
    }
}
