//! Nanoseconds of each case, in rounds that take turns.

use std::time::Instant;

use crate::Failure;
use crate::case::{Case, Ready};

/// A round is of as many repetitions as fill this many seconds.
const ROUND: f64 = 0.004;

/// What each case takes, round by round, and how many bytes it is about.
pub(crate) fn measure(cases: &[Case], rounds: usize) -> Result<Vec<(usize, Vec<f64>)>, Failure> {
    let mut ready = Vec::new();
    for case in cases {
        let mut case = (case.ready)()?;
        let times = enough(&mut case);
        ready.push((case, times, Vec::new()));
    }
    for _ in 0..rounds {
        for (case, times, taken) in &mut ready {
            taken.push(seconds(case, *times) * 1e9 / f64::from(*times));
        }
    }
    Ok(ready.into_iter().map(|(case, _, taken)| (case.bytes, taken)).collect())
}

/// Repetitions that fill a round; finding out also warms up.
fn enough(case: &mut Ready) -> u32 {
    let mut times = 16;
    while seconds(case, times) < ROUND && times < 1 << 24 {
        times *= 2;
    }
    times
}

fn seconds(case: &mut Ready, times: u32) -> f64 {
    let began = now();
    case.run(times);
    began.elapsed().as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn now() -> Instant {
    Instant::now()
}
