//! Instants as the records hold them, and the clock that a manager reads.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: absolute_timeout milliseconds since the Unix epoch.
///
/// A deadline has passed as soon as `now >= deadline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch; the earliest moment there is.
    pub const EPOCH: Self = Self(0);
    /// The latest moment there is; as a deadline, "never".
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This moment plus `span`; [`Timestamp::NEVER`] if that is too far away to be written down.
    #[must_use = "a timestamp is a value: the later one is returned"]
    pub fn after(self, span: Duration) -> Self {
        Self(
            u64::try_from(span.as_millis())
                .map_or(u64::MAX, |millis| self.0.saturating_add(millis)),
        )
    }

    pub(crate) fn after_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// How long it is from `earlier` to this moment; zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// True once `now` has reached this deadline.
    pub fn has_passed(self, now: Self) -> bool {
        now >= self
    }
}

/// Where a manager reads the time. Decisions never look anywhere else.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock: the default.
///
/// Deadlines are shared by all nodes of a store, so keep their clocks in step (NTP); a skew of a few
/// seconds moves deadlines by as much and breaks nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_passed_at_its_very_millisecond() {
        let deadline = Timestamp::from_millis(1_000);
        assert!(!deadline.has_passed(Timestamp::from_millis(999)));
        assert!(deadline.has_passed(deadline));
    }

    #[test]
    fn a_span_too_long_to_add_means_never() {
        assert_eq!(Timestamp::from_millis(5).after(Duration::MAX), Timestamp::NEVER);
        assert!(!Timestamp::NEVER.has_passed(Timestamp::from_millis(u64::MAX - 1)));
    }
}
