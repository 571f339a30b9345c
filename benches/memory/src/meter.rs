//! Clocks, and what the system counts for this process.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Failure;

#[expect(clippy::disallowed_methods, reason = "a measurement")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// CPU seconds of all threads of this process.
pub(crate) fn process_cpu() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// CPU seconds of this thread: what others on a shared core do is not in it.
pub(crate) fn thread_cpu() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a bench come nowhere near 2^52")]
fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Bytes of this process's memory that are resident.
pub(crate) fn resident() -> Result<usize, Failure> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).ok_or("this system does not tell what is resident")?;
    Ok(pages.parse::<usize>()? * rustix::param::page_size())
}

/// The CPU seconds of one call.
pub(crate) fn cpu_of<T>(call: impl FnOnce() -> T) -> (T, f64) {
    let began = thread_cpu();
    let answer = call();
    (answer, thread_cpu() - began)
}

/// What some act took in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: f64,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { wall: now(), cpu: process_cpu() }
    }

    /// Seconds on the wall, and seconds of CPU.
    pub(crate) fn read(self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), process_cpu() - self.cpu)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts come nowhere near 2^52")]
pub(crate) const fn count(number: usize) -> f64 {
    number as f64
}

/// The value that so many of a thousand stay below; the values are sorted by this.
pub(crate) fn permille(values: &mut [f64], part: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let index = (values.len() * part / 1_000).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or(f64::NAN)
}

pub(crate) fn nanoseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_thousand_is_the_value_at_its_place() {
        let mut values: Vec<f64> = (0..2_000).rev().map(f64::from).collect();
        let parts = [500, 999, 1_000].map(|part| permille(&mut values, part).to_string());
        assert_eq!(parts, ["1000", "1998", "1999"]);
        assert!(permille(&mut [], 500).is_nan());
    }

    #[test]
    fn a_thread_that_works_uses_cpu_and_a_process_has_memory() {
        let (sum, spent) = cpu_of(|| (0..1_000_000_u64).map(std::hint::black_box).sum::<u64>());
        assert!(sum > 0 && spent > 0.0);
        assert!(resident().unwrap() > 0);
    }
}
