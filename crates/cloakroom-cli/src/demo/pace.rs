//! A clock that can be set to run fast, to watch keys being renewed and sessions expire without waiting for it.

use cloakroom::Timestamp;
use cloakroom::time::{Clock, SystemClock};

/// Real time, so many times as fast since the demo began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    began: Timestamp,
    speed: u32,
}

impl Pace {
    /// A clock that shows the real time now.
    pub(super) fn times(speed: u32) -> Self {
        Self { began: SystemClock.now(), speed }
    }
}

impl Clock for Pace {
    fn now(&self) -> Timestamp {
        self.began.after(SystemClock.now().since(self.began) * self.speed)
    }
}
