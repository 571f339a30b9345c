//! Whether a server has been out of reach for so long that calls fail at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::now;

/// Tells an outage that lasts from a short one, which calls wait out.
///
/// All connections to one server share it: what succeeds on one of them ends the outage for all.
#[derive(Debug)]
pub struct Outage {
    grace: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the first attempt of those that have failed since the last success began.
    failing_since: Option<Instant>,
    succeeded: Option<Instant>,
}

impl Outage {
    /// An outage that lasts once nothing has succeeded for `grace`.
    pub fn new(grace: Duration) -> Self {
        Self { grace, state: Mutex::default() }
    }

    /// An attempt to reach the server, which began at `began`, failed.
    pub fn failed(&self, began: Instant) {
        let mut state = self.lock();
        // An attempt that was on its way when another one succeeded tells only of later.
        let began = state.succeeded.map_or(began, |succeeded| succeeded.max(began));
        state.failing_since.get_or_insert(began);
    }

    /// The server answered, whatever it said.
    pub fn succeeded(&self) {
        *self.lock() = State { failing_since: None, succeeded: Some(now()) };
    }

    /// Whether nothing has succeeded for the whole grace period. Until then a call may wait for the
    /// server to return; after that only an attempt to reach it should.
    pub fn lasts(&self) -> bool {
        self.lock().failing_since.is_some_and(|since| since.elapsed() >= self.grace)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(60);

    fn long_ago() -> Instant {
        now().checked_sub(2 * GRACE).unwrap()
    }

    #[test]
    fn an_outage_lasts_once_nothing_has_succeeded_for_the_grace_period() {
        let outage = Outage::new(GRACE);
        assert!(!outage.lasts());
        outage.failed(now());
        assert!(!outage.lasts());
        let outage = Outage::new(GRACE);
        outage.failed(long_ago());
        outage.failed(now());
        assert!(outage.lasts());
        outage.succeeded();
        assert!(!outage.lasts());
    }

    #[test]
    fn a_failure_that_began_before_a_success_tells_nothing_of_the_time_before() {
        let outage = Outage::new(GRACE);
        outage.succeeded();
        outage.failed(long_ago());
        assert!(!outage.lasts());
    }
}
