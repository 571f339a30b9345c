//! Filling a store, and a mix of reads and updates.

use std::hint::black_box;
use std::io::BufRead as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use super::contender::{Contender, Way};
use crate::Failure;
use crate::child::answer;
use crate::meter::{Stopwatch, now, process_cpu, resident};
use crate::visitor::Dice;

/// Requests in flight on each thread: where one waits for a lock, another goes on.
const TASKS: usize = 8;
/// One operation in so many is an update.
const UPDATES: usize = 10;
/// Operations between two readings of the clock, after which other tasks have their turn.
const STRETCH: usize = 32;

/// What filling took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Filled {
    pub(super) seconds: f64,
    pub(super) cpu: f64,
    /// Growth of the resident memory, without what only the bench needs.
    pub(super) bytes: usize,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Mixed {
    pub(super) done: usize,
    pub(super) seconds: f64,
    pub(super) cpu: f64,
}

fn runtime(threads: usize) -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().worker_threads(threads).build()?)
}

/// Fills a store, and then does what each line of the input says.
///
/// A line is `store|whole THREADS MILLISECONDS`. A contender has a process of its own, so that its
/// allocator serves no other.
pub(super) fn serve<C: Contender>(sessions: usize) -> Result<(), Failure> {
    let (contender, filled) = fill::<C>(sessions)?;
    answer(&filled)?;
    let contender = Arc::new(contender);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [way, threads, millis] = words.as_slice() else {
            return Err(format!("no such command: `{line}`").into());
        };
        let (way, span) = (Way::parse(way)?, Duration::from_millis(millis.parse()?));
        answer(&mix(&contender, sessions, way, threads.parse()?, span)?)?;
    }
    // Skips freeing millions of entries one by one.
    std::process::exit(0)
}

/// A store with so many sessions, filled by one thread.
fn fill<C: Contender>(sessions: usize) -> Result<(C, Filled), Failure> {
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
    let bytes = resident()?.saturating_sub(before).saturating_sub(contender.overhead());
    Ok((contender, Filled { seconds, cpu, bytes }))
}

/// Reads, and one update in ten operations, of random sessions.
fn mix<C: Contender>(
    contender: &Arc<C>,
    sessions: usize,
    way: Way,
    threads: usize,
    span: Duration,
) -> Result<Mixed, Failure> {
    let runtime = runtime(threads)?;
    let watch = Stopwatch::start();
    let until = now() + span;
    // A new seed each time, or every round would find its sessions in the processor's cache.
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

/// Fails unless the contender keeps what is written, where reading shows it; for tests.
pub(super) fn works<C: Contender>(ways: &[Way]) -> Result<(), Failure> {
    let visits = |contender: &C, way| {
        runtime(1)?.block_on(async {
            let mut sum = 0;
            for number in 0..200 {
                sum += contender.read(way, number).await?;
            }
            Ok::<_, Failure>(sum)
        })
    };
    let (contender, _) = fill::<C>(200)?;
    let contender = Arc::new(contender);
    for way in ways {
        let before = visits(&contender, *way)?;
        let mixed = mix(&contender, 200, *way, 2, Duration::from_millis(20))?;
        if mixed.done == 0 || visits(&contender, *way)? <= before {
            return Err(format!("updates are lost: {way:?}").into());
        }
    }
    Ok(())
}
