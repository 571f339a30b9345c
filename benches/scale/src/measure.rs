//! What is timed. All of it is asked one after the other, as a request does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cloakroom::{Page, Store, Stored};

use crate::Failure;
use crate::crowd::{half_time, id, principal};

const LISTINGS: u64 = 1_000;
const READS: u64 = 10_000;
/// Sessions that a sweep removes in one step, as `Sessions::sweep` does.
const STEP: usize = 200;

#[expect(clippy::disallowed_methods, reason = "a measurement")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::cast_precision_loss, reason = "counts come nowhere near 2^52")]
pub(crate) fn ratio(all: u64, of: u64) -> f64 {
    all as f64 / of as f64
}

/// Microseconds for the ids of somebody's ten sessions, median.
pub(crate) async fn listing(store: &Arc<dyn Store>, sessions: u64) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for turn in 0..LISTINGS {
        let who = principal(turn * 7_919 % (sessions / 2))?;
        let began = now();
        let ids = store.ids_of(&who, Page::first(50)).await?;
        times.push(began.elapsed());
        if ids.len() != 10 {
            return Err(format!("{who} has {} sessions", ids.len()).into());
        }
    }
    Ok(spread(times)[0])
}

/// Microseconds of a read: median, 99th percentile, slowest.
pub(crate) async fn reading(store: &Arc<dyn Store>, sessions: u64) -> Result<[f64; 3], Failure> {
    let mut times = Vec::new();
    for turn in 0..READS {
        times.push(read(store, turn, sessions).await?);
    }
    Ok(spread(times))
}

/// A session of the half that stays.
async fn read(store: &Arc<dyn Store>, turn: u64, sessions: u64) -> Result<Duration, Failure> {
    let number = turn * 7_919 % (sessions / 2) * 2 + 1;
    let began = now();
    match store.get(id(number)).await? {
        Some(Stored::Live(_)) => Ok(began.elapsed()),
        other => Err(format!("session {number} is {other:?}").into()),
    }
}

/// Removes half of all; how many went, in how many seconds, and what reads took meanwhile.
pub(crate) async fn sweeping(store: &Arc<dyn Store>, sessions: u64) -> Result<(u64, f64, [f64; 3]), Failure> {
    let done = Arc::new(AtomicBool::new(false));
    let (reader, told) = (Arc::clone(store), Arc::clone(&done));
    let reading = tokio::spawn(async move {
        let (mut times, mut turn) = (Vec::new(), 0);
        while !told.load(Ordering::Relaxed) {
            times.push(read(&reader, turn, sessions).await?);
            turn += 1;
            tokio::task::yield_now().await;
        }
        Ok::<_, Failure>(times)
    });
    let (moment, began, mut swept) = (half_time(), now(), 0);
    loop {
        let step = store.sweep(moment, STEP).await?;
        swept += step as u64;
        if step < STEP {
            break;
        }
        tokio::task::yield_now().await;
    }
    let seconds = began.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    Ok((swept, seconds, spread(reading.await??)))
}

fn spread(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 1_000).min(times.len() - 1)].as_secs_f64() * 1e6;
    [at(500), at(990), at(1_000)]
}
