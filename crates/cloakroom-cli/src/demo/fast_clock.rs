//! A clock that can run fast, to watch keys being renewed and sessions expire.

use cloakroom::Timestamp;
use cloakroom::time::{Clock, SystemClock};

/// A clock that shows the real time when it is made, and runs `speed` times as fast from then on.
#[derive(Clone, Copy, Debug)]
pub(super) struct FastClock {
    start: Timestamp,
    speed: u32,
}

impl FastClock {
    pub(super) fn new(speed: u32) -> Self {
        Self { start: SystemClock.now(), speed }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.start.after(SystemClock.now().since(self.start) * self.speed)
    }
}
