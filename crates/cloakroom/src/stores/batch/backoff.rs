//! How long a driver whose connection failed rests before it tries the next.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The first pause and the longest.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses between attempts to reach a server: twice as long each time, up to a second, and not the same on any two nodes, as
/// all of them lost the server at once.
#[derive(Debug, Default)]
pub struct Backoff {
    pause: Duration,
}

impl Backoff {
    /// An attempt failed: the pause before the next.
    pub fn failed(&mut self) -> Duration {
        self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
        // From a half to one and a half. Nobody's secret hangs on it.
        let drawn = RandomState::new().hash_one(0_u8) % 1_000;
        self.pause.mul_f64(0.5 + f64::from(u16::try_from(drawn).unwrap_or_default()) / 1_000.0)
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
    fn pauses_grow_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.failed()).collect();
        assert!((FIRST / 2..FIRST * 2).contains(&pauses[0]));
        assert!(pauses.iter().all(|pause| *pause < LONGEST * 3 / 2));
        assert!(pauses[10..].iter().all(|pause| *pause >= LONGEST / 2));
        backoff.succeeded();
        assert!(backoff.failed() < FIRST * 2);
    }
}
