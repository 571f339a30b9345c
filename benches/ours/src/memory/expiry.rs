//! Half of all sessions have expired: what removing them takes, how long one call lasts, and how
//! much longer reads take meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom::record::Stored;
use cloakroom::time::{Clock as _, SystemClock};
use cloakroom::{Store as _, Timestamp};
use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Entry};
use super::contender::Contender as _;
use super::drive::runtime;
use super::ours::Ours;
use crate::Failure;
use crate::child::answer;
use crate::meter::{Stopwatch, microseconds, now, permille, thread_cpu};
use crate::visitor::{Dice, Visitor};

/// Entries that one call of our sweep removes: as many as the store visits under one lock.
const STEP: usize = 512;

const SHORT: Duration = Duration::from_hours(1);
const LONG: Duration = Duration::from_hours(12);

type Sweep = fn(usize) -> Result<Sweeping, Failure>;

/// Ways to sweep, ours first.
pub(super) const SWEEPS: [(&str, Sweep); 3] = [
    ("cloakroom, steps of 512", ours),
    ("baseline, 64 shards, one at a time", baseline::<64>),
    ("baseline, one lock, all at once", baseline::<1>),
];

/// What a sweep took, in seconds except where noted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sweeping {
    pub(super) removed: usize,
    pub(super) calls: usize,
    pub(super) seconds: f64,
    /// CPU of a call that did not end the sweep: the longest, and the 99.9th percentile.
    pub(super) longest: f64,
    pub(super) late: f64,
    /// CPU of the last call, which visits all remaining sessions.
    pub(super) last: f64,
    /// Microseconds of a read meanwhile: median, 99.9th percentile, longest.
    pub(super) read: [f64; 3],
}

/// Sweeps in this process.
pub(super) fn run(name: &str, sessions: usize) -> Result<(), Failure> {
    let sweep = SWEEPS.into_iter().find(|(known, _)| *known == name);
    let (_, sweep) = sweep.ok_or_else(|| format!("no sweep is called `{name}`"))?;
    answer(&sweep(sessions)?)
}

fn ours(sessions: usize) -> Result<Sweeping, Failure> {
    let mut ours = Ours::open(sessions)?;
    runtime(1)?.block_on(async {
        for number in 0..sessions {
            let span = if number % 2 == 0 { SHORT } else { LONG };
            let session = ours.sessions.generate_for(Visitor::new(number), span).await?;
            ours.keys.push(session.key().ok_or("a new session has no key")?.clone());
        }
        Ok::<_, Failure>(())
    })?;
    let moment = half_time();
    let read = |number: usize| {
        matches!(ours.store.get(ours.keys[number].id()).wait(), Ok(Some(Stored::Live(_))))
    };
    sweeping(sessions, read, || {
        let step = ours.store.sweep(moment, STEP).wait()?;
        Ok((step, step < STEP))
    })
}

fn baseline<const SHARDS: usize>(sessions: usize) -> Result<Sweeping, Failure> {
    let baseline = Baseline::<SHARDS>::new();
    for number in 0..sessions {
        let span = if number % 2 == 0 { SHORT } else { LONG };
        baseline.insert(number, Entry::new(number, u64::try_from(span.as_millis())?));
    }
    let moment = half_time().as_millis();
    sweeping(sessions, |number| baseline.get(number).is_some(), || Ok(baseline.sweep(moment)))
}

fn half_time() -> Timestamp {
    SystemClock.now().after((SHORT + LONG) / 2)
}

/// Sweeps until a step says that it was the last, while another thread reads the live half.
fn sweeping(
    sessions: usize,
    read: impl Fn(usize) -> bool + Sync,
    step: impl Fn() -> Result<(usize, bool), Failure>,
) -> Result<Sweeping, Failure> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| reading(sessions, &read, &done));
        let (mut removed, mut calls) = (0, Vec::new());
        let watch = Stopwatch::start();
        let outcome = loop {
            let before = thread_cpu();
            match step() {
                Ok((count, is_last)) => {
                    removed += count;
                    calls.push(thread_cpu() - before);
                    if is_last {
                        break Ok(());
                    }
                }
                Err(failure) => break Err(failure),
            }
        };
        let (seconds, _) = watch.read();
        done.store(true, Ordering::Relaxed);
        let read = reader.join().map_err(|_| "the reading thread panicked")??;
        outcome?;
        let last = calls.last().copied().unwrap_or_default();
        let count = calls.len();
        if count > 1 {
            calls.pop();
        }
        let (longest, late) = (permille(&mut calls, 1_000), permille(&mut calls, 999));
        Ok(Sweeping { removed, calls: count, seconds, longest, late, last, read })
    })
}

/// Reads one session after another; median, 99.9th percentile and longest, in microseconds.
fn reading(
    sessions: usize,
    read: impl Fn(usize) -> bool,
    done: &AtomicBool,
) -> Result<[f64; 3], Failure> {
    let mut dice = Dice::new(1);
    let mut times = Vec::with_capacity(1 << 20);
    while !done.load(Ordering::Relaxed) {
        let number = dice.below(sessions / 2) * 2 + 1;
        let began = now();
        let is_there = read(number);
        times.push(microseconds(began.elapsed()));
        if !is_there {
            return Err(format!("session {number} is gone before its end").into());
        }
    }
    Ok([500, 999, 1_000].map(|part| permille(&mut times, part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_sweeping_removes_the_expired_half() {
        let sweepings = SWEEPS.map(|(_, sweep)| sweep(4_000).unwrap());
        assert_eq!(sweepings.each_ref().map(|sweeping| sweeping.removed), [2_000; 3]);
        assert_eq!(sweepings[1].calls, 64);
        assert_eq!(sweepings[2].calls, 1);
    }
}
