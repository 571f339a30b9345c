//! How long a driver waits before it tries to connect again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The first pause.
const MIN: Duration = Duration::from_millis(20);
/// The longest pause, before jitter.
const MAX: Duration = Duration::from_secs(1);

/// Pauses between attempts to reach a server: exponential up to a second, with jitter.
///
/// The jitter keeps nodes that lost the server at the same moment from reconnecting all at once.
#[derive(Debug, Default)]
pub struct Backoff {
    pause: Duration,
}

impl Backoff {
    /// An attempt failed; returns the pause before the next one.
    pub fn failed(&mut self) -> Duration {
        self.pause = (self.pause * 2).clamp(MIN, MAX);
        // Times 0.5 to 1.5. It needs no cryptographic randomness.
        let jitter = RandomState::new().hash_one(0_u8) % 1_000;
        self.pause.mul_f64(0.5 + f64::from(u16::try_from(jitter).unwrap_or_default()) / 1_000.0)
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) {
        self.pause = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_maximum_and_start_over_after_a_success() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.failed()).collect();
        assert!((MIN / 2..MIN * 2).contains(&pauses[0]));
        assert!(pauses.iter().all(|pause| *pause < MAX * 3 / 2));
        assert!(pauses[10..].iter().all(|pause| *pause >= MAX / 2));
        backoff.succeeded();
        assert!(backoff.failed() < MIN * 2);
    }
}
