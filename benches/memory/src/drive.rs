//! A store that is filled, and used hard for a while.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::Failure;
use crate::contender::{Contender, Way};
use crate::meter::{Stopwatch, now, process_cpu, resident};
use crate::visitor::Dice;

/// Requests under way on each thread: where one waits for a lock, another goes on.
const TASKS: usize = 8;
/// Of so many operations, one is an update.
const UPDATES: usize = 10;
/// Operations between two looks at the clock, after which others have their turn.
const STRETCH: usize = 32;

/// What filling took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Filled {
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
    /// By how much the resident memory grew, without what only the bench keeps.
    pub(crate) bytes: usize,
}

/// What was done in a while.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Mixed {
    pub(crate) done: usize,
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
}

pub(crate) fn runtime(threads: usize) -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().worker_threads(threads).build()?)
}

/// A store with so many sessions, filled by one thread.
pub(crate) fn fill<C: Contender>(sessions: usize) -> Result<(C, Filled), Failure> {
    let mut contender = C::open(sessions)?;
    let before = resident()?;
    let watch = Stopwatch::start();
    runtime(1)?.block_on(async {
        for number in 0..sessions {
            contender.begin(number).await?;
        }
        Ok::<_, Failure>(())
    })?;
    let (seconds, cpu) = watch.read();
    let bytes = resident()?.saturating_sub(before).saturating_sub(contender.keys());
    Ok((contender, Filled { seconds, cpu, bytes }))
}

/// Reads, and one update in ten operations, of random sessions by so many threads.
pub(crate) fn mix<C: Contender>(
    contender: &Arc<C>,
    sessions: usize,
    way: Way,
    threads: usize,
    span: Duration,
) -> Result<Mixed, Failure> {
    let runtime = runtime(threads)?;
    let watch = Stopwatch::start();
    let until = now() + span;
    // Another one each time, or every round would find its sessions in the processor's cache.
    let seed = process_cpu().to_bits() << 8;
    let done = runtime.block_on(async {
        let tasks: Vec<_> = (0..threads * TASKS)
            .map(|task| {
                let dice = Dice::new(seed + task as u64);
                tokio::spawn(work(Arc::clone(contender), way, sessions, dice, until))
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += task.await??;
        }
        Ok::<_, Failure>(done)
    })?;
    let (seconds, cpu) = watch.read();
    Ok(Mixed { done, seconds, cpu })
}

async fn work<C: Contender>(
    contender: Arc<C>,
    way: Way,
    sessions: usize,
    mut dice: Dice,
    until: Instant,
) -> Result<usize, Failure> {
    let mut done = 0;
    while now() < until {
        for _ in 0..STRETCH {
            let number = dice.below(sessions);
            if dice.below(UPDATES) == 0 {
                contender.update(way, number).await?;
            } else {
                black_box(contender.read(way, number).await?);
            }
        }
        done += STRETCH;
        tokio::task::yield_now().await;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Kind;
    use crate::{limit, ours, theirs};

    fn works<C: Contender>(kind: Kind) {
        let (contender, filled) = fill::<C>(200).unwrap();
        assert!(filled.seconds > 0.0);
        let contender = Arc::new(contender);
        for way in kind.ways() {
            let before = visits(&*contender, *way);
            let mixed = mix(&contender, 200, *way, 2, Duration::from_millis(20)).unwrap();
            assert!(mixed.done > 0, "{kind:?} {way:?}");
            // What the store of ours holds is typed and only seen by asking the library.
            if (kind, *way) != (Kind::Cloakroom, Way::Store) {
                assert!(visits(&*contender, *way) > before, "{kind:?} {way:?}");
            }
        }
    }

    fn visits<C: Contender>(contender: &C, way: Way) -> u64 {
        let runtime = runtime(1).unwrap();
        runtime.block_on(async {
            let mut sum = 0;
            for number in 0..200 {
                sum += contender.read(way, number).await.unwrap();
            }
            sum
        })
    }

    #[test]
    fn every_contender_keeps_what_is_written() {
        works::<ours::Ours>(Kind::Cloakroom);
        works::<limit::Limit<64>>(Kind::Limit);
        works::<theirs::Tower>(Kind::Tower);
        works::<theirs::Moka>(Kind::Moka);
    }
}
