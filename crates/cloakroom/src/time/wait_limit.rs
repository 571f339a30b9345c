//! How long a caller waits for another one, which may never be polled again.

use std::task::Waker;
use std::time::Duration;

use super::{Clock, Timestamp, alarm};

/// The moment since when a caller is waited for.
///
/// A future that is never polled again makes no progress, and nothing says so. So those who wait
/// for it go on without it in the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitLimit(Timestamp);

impl WaitLimit {
    /// How long a caller is waited for. Most take a few round trips.
    pub(crate) const LENGTH: Duration = Duration::from_secs(2);

    pub(crate) const fn since(moment: Timestamp) -> Self {
        Self(moment)
    }

    /// True once the wait has been too long. Otherwise the task is woken when it is.
    pub(crate) fn is_over(&mut self, clock: &dyn Clock, waker: &Waker) -> bool {
        let now = clock.now();
        // A clock that was set back does not prolong the wait by more than once its length.
        self.0 = self.0.min(now);
        let left = Self::LENGTH.saturating_sub(now.since(self.0));
        if left.is_zero() {
            return true;
        }
        alarm::wake_after(left, waker);
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Manual(AtomicU64);

    impl Clock for Manual {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn a_wait_ends_by_the_clock_even_if_that_is_set_back() {
        let clock = Manual(AtomicU64::new(100_000));
        let mut wait_limit = WaitLimit::since(clock.now());
        for (moment, is_over) in
            [(101_999, false), (102_000, true), (50_000, false), (51_999, false), (52_000, true)]
        {
            clock.0.store(moment, Ordering::Relaxed);
            assert_eq!(wait_limit.is_over(&clock, Waker::noop()), is_over, "{moment}");
        }
    }
}
