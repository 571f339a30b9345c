//! Half of all sessions are over: what their removal takes, for how long it can keep others out, and what a reader notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom::{Clock as _, Store as _, Stored, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::child::answer;
use crate::drive::runtime;
use crate::limit::{Entry, Limit};
use crate::meter::{Stopwatch, cpu_of, nanoseconds, now, permille};
use crate::ours::Ours;
use crate::visitor::{Dice, Visitor};

/// The argument with which the program sweeps a store of its own.
pub(crate) const SWEEP: &str = "--sweep";
/// Entries that a sweep of ours removes in one step: as many as the store looks over before it gives its lock up.
pub(crate) const STEP: usize = 512;
/// One step may use so many seconds of its thread.
pub(crate) const LONGEST: f64 = 0.000_5;

const SHORT: Duration = Duration::from_hours(1);
const LONG: Duration = Duration::from_hours(12);

/// What was swept, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swept {
    Cloakroom,
    Shards,
    OneLock,
}

impl Swept {
    pub(crate) const ALL: [Self; 3] = [Self::Cloakroom, Self::Shards, Self::OneLock];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cloakroom => "cloakroom, steps of 512",
            Self::Shards => "limit, each of 64 shards whole",
            Self::OneLock => "limit, one lock, full sweep",
        }
    }
}

/// What a sweep took; all in seconds, but for what readers noticed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sweeping {
    pub(crate) removed: usize,
    pub(crate) calls: usize,
    pub(crate) seconds: f64,
    /// CPU of this thread in one call that did not end the sweep: the longest, and what one in a thousand is above.
    pub(crate) longest: f64,
    pub(crate) late: f64,
    /// CPU of the call that ended it, which has looked at all that is left.
    pub(crate) last: f64,
    /// Nanoseconds of a read meanwhile: median, 99.9 %, longest.
    pub(crate) read: [f64; 3],
}

/// Sweeps in this process.
pub(crate) fn run(name: &str, sessions: &str) -> Result<(), Failure> {
    let sessions = sessions.parse()?;
    let swept = Swept::ALL.into_iter().find(|swept| swept.name() == name);
    answer(&match swept.ok_or("nothing of this name is swept")? {
        Swept::Cloakroom => ours(sessions)?,
        Swept::Shards => limit::<64>(sessions)?,
        Swept::OneLock => limit::<1>(sessions)?,
    })
}

fn ours(sessions: usize) -> Result<Sweeping, Failure> {
    let mut ours = Ours::unbounded(sessions)?;
    runtime(1)?.block_on(async {
        for number in 0..sessions {
            let span = if number % 2 == 0 { SHORT } else { LONG };
            let session = ours.sessions.generate_for(Visitor::new(number), span).await?;
            ours.keys.push(session.key().ok_or("a new session has no key")?.clone());
        }
        Ok::<_, Failure>(())
    })?;
    let moment = half_time();
    let read =
        |number: usize| matches!(ours.store.get(ours.keys[number].id()).wait(), Ok(Some(Stored::Live(_))));
    sweeping(sessions, read, || {
        let step = ours.store.sweep(moment, STEP).wait()?;
        Ok((step, step < STEP))
    })
}

fn limit<const SHARDS: usize>(sessions: usize) -> Result<Sweeping, Failure> {
    let limit = Limit::<SHARDS>::new();
    for number in 0..sessions {
        let span = if number % 2 == 0 { SHORT } else { LONG };
        limit.insert(number, Entry::new(number, u64::try_from(span.as_millis())?));
    }
    let moment = half_time().as_millis();
    sweeping(sessions, |number| limit.get(number).is_some(), || Ok(limit.sweep(moment)))
}

fn half_time() -> Timestamp {
    SystemClock.now().after((SHORT + LONG) / 2)
}

/// Steps until one says that it was the last, while another thread reads the half that stays.
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
            match cpu_of(&step) {
                (Ok((count, last)), cpu) => {
                    removed += count;
                    calls.push(cpu);
                    if last {
                        break Ok(());
                    }
                }
                (Err(failure), _) => break Err(failure),
            }
        };
        let (seconds, _) = watch.read();
        done.store(true, Ordering::Relaxed);
        let read = reader.join().map_err(|_| "the reader broke off")??;
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

/// Reads one session after the other: median, 99.9 % and longest, in nanoseconds.
fn reading(sessions: usize, read: impl Fn(usize) -> bool, done: &AtomicBool) -> Result<[f64; 3], Failure> {
    let mut dice = Dice::new(1);
    let mut times = Vec::with_capacity(1 << 20);
    while !done.load(Ordering::Relaxed) {
        let number = dice.below(sessions / 2) * 2 + 1;
        let began = now();
        let is_there = read(number);
        times.push(nanoseconds(began.elapsed()));
        if !is_there {
            return Err(format!("session {number} is gone, and should not be").into());
        }
    }
    Ok([500, 999, 1_000].map(|part| permille(&mut times, part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_all_is_swept_in_every_way() {
        let sweepings = [ours(4_000), limit::<64>(4_000), limit::<1>(4_000)].map(Result::unwrap);
        assert_eq!(sweepings.each_ref().map(|sweeping| sweeping.removed), [2_000; 3]);
        assert_eq!(sweepings[1].calls, 64);
        assert_eq!(sweepings[2].calls, 1);
    }
}
