//! Clocks, and what the system counts for this process.

use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Failure;

#[expect(clippy::disallowed_methods, reason = "a bench measures the real clock")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// CPU seconds of all threads of this process.
#[expect(clippy::cast_precision_loss, reason = "a bench runs for less than 2^52 seconds")]
#[must_use]
pub fn process_cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Bytes of this process's memory that are resident.
pub fn resident() -> Result<usize, Failure> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).ok_or("`/proc/self/statm` has no second field")?;
    Ok(pages.parse::<usize>()? * rustix::param::page_size())
}

/// Measures wall and CPU time from its start.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: f64,
}

impl Stopwatch {
    #[must_use]
    pub fn start() -> Self {
        Self { wall: now(), cpu: process_cpu() }
    }

    /// Wall seconds and CPU seconds of the process.
    #[must_use]
    pub fn read(self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), process_cpu() - self.cpu)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are less than 2^52")]
#[must_use]
pub const fn count(number: usize) -> f64 {
    number as f64
}

/// The value below which `part` of a thousand values lie; sorts the values.
pub fn permille(values: &mut [f64], part: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let index = (values.len() * part / 1_000).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// The median, or `None` if there are no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[must_use]
pub fn microseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// The median time that the disk takes to store 8 KiB, in microseconds.
pub fn fsync_us() -> Result<f64, Failure> {
    let mut file = tempfile::tempfile()?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = now();
        file.write_all(&[1; 8192])?;
        file.sync_data()?;
        times.push(microseconds(began.elapsed()));
    }
    median(times).ok_or_else(|| "nothing was measured".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permille_is_the_value_at_its_place() {
        let mut values: Vec<f64> = (0..2_000).rev().map(f64::from).collect();
        let parts = [500, 999, 1_000].map(|part| permille(&mut values, part).to_string());
        assert_eq!(parts, ["1000", "1998", "1999"]);
        assert!(permille(&mut [], 500).is_nan());
    }

    #[test]
    fn a_working_process_uses_cpu_and_memory() {
        let before = process_cpu();
        let sum: u64 = (0..1_000_000_u64).map(std::hint::black_box).sum();
        assert!(sum > 0 && process_cpu() > before);
        assert!(resident().unwrap() > 0);
    }
}
