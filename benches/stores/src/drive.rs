//! A store, driven hard for a while; the peer's package and the bench of servers compile this file too, so that all are driven
//! alike.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;

use crate::visitor::{Dice, SESSIONS};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a worker does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each program that compiles this file knows some of them")]
pub(crate) enum Operation {
    Read,
    Update,
    /// As a request does that changes its session.
    ReadAndUpdate,
}

/// A session store, as a web application's session layer uses it.
pub(crate) trait Contender: Clone + Send + Sync + 'static {
    /// A session as a request holds it.
    type Session: Send + Sync;

    /// Makes the session with this number.
    fn create(&self, number: u32) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Reads the session with this number, and its value.
    fn load(&self, number: u32) -> impl Future<Output = Result<Self::Session, Failure>> + Send;

    /// Counts one more visit, durably; false if the store refused for the time being, and the visit was not counted.
    fn visit(&self, session: &mut Self::Session) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// The visits counted.
    fn visits(session: &Self::Session) -> u64;
}

/// What a process did while it was watched, which is all its time but a start and an end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Operations that succeeded.
    pub(crate) done: u64,
    /// Operations that the store refused, such as for being locked.
    pub(crate) refused: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Operations that succeeded at any time, watched or not.
    pub(crate) in_all: u64,
}

/// Lets `at_once` workers use a share of the sessions each, in random order.
pub(crate) async fn drive<C: Contender>(
    store: C,
    operation: Operation,
    at_once: u32,
    span: Duration,
) -> Result<Outcome, Failure> {
    let all_are_ready = Arc::new(Barrier::new(at_once as usize));
    let mut workers = Vec::new();
    for worker in 0..at_once {
        let (store, all_are_ready) = (store.clone(), Arc::clone(&all_are_ready));
        let mine = (worker..SESSIONS).step_by(at_once as usize).collect();
        workers.push(tokio::spawn(work(store, operation, mine, all_are_ready, span)));
    }
    let mut outcome = Outcome { seconds: span.as_secs_f64(), ..Outcome::default() };
    let mut times = Vec::new();
    for worker in workers {
        let share = worker.await??;
        outcome.done += share.done;
        outcome.refused += share.refused;
        outcome.in_all += share.in_all;
        times.extend(share.times);
    }
    times.sort_unstable();
    outcome.p50_us = percentile(&times, 50);
    outcome.p99_us = percentile(&times, 99);
    Ok(outcome)
}

/// One worker's part of the outcome.
#[derive(Debug, Default)]
struct Share {
    done: u64,
    refused: u64,
    in_all: u64,
    times: Vec<Duration>,
}

async fn work<C: Contender>(
    store: C,
    operation: Operation,
    mine: Vec<u32>,
    all_are_ready: Arc<Barrier>,
    span: Duration,
) -> Result<Share, Failure> {
    let mut sessions = Vec::with_capacity(mine.len());
    for number in &mine {
        sessions.push(store.load(*number).await?);
    }
    let mut dice = Dice::new(u64::from(mine[0]) << 32);
    let mut share = Share::default();
    all_are_ready.wait().await;
    // The first moments show a store that is still warming up.
    let from = now() + span / 10;
    let until = from + span;
    let mut begins = now();
    while begins < until {
        let which = usize::try_from(dice.roll() % mine.len() as u64)?;
        if operation != Operation::Update {
            sessions[which] = store.load(mine[which]).await?;
        }
        let done = operation == Operation::Read || store.visit(&mut sessions[which]).await?;
        let ends = now();
        share.in_all += u64::from(done);
        if from <= ends && ends < until {
            share.done += u64::from(done);
            share.refused += u64::from(!done);
        }
        // One that ends late counts as late, not as none.
        if from <= ends {
            share.times.push(ends - begins);
        }
        begins = ends;
    }
    confirm(&store, &mine, &sessions).await?;
    Ok(share)
}

/// What was answered must be there.
async fn confirm<C: Contender>(store: &C, numbers: &[u32], sessions: &[C::Session]) -> Result<(), Failure> {
    for (number, session) in numbers.iter().zip(sessions) {
        let kept = store.load(*number).await?;
        if C::visits(&kept) != C::visits(session) {
            return Err(format!("session {number} is not as it was answered").into());
        }
    }
    Ok(())
}

/// In microseconds; of times in ascending order.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's business is the real clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Counts of visits; if `forgetful`, writes are answered and not made.
    #[derive(Clone)]
    struct Memory {
        visits: Arc<Mutex<Vec<u64>>>,
        forgetful: bool,
    }

    impl Contender for Memory {
        type Session = (u32, u64);

        async fn create(&self, _: u32) -> Result<(), Failure> {
            self.visits.lock().unwrap().push(0);
            Ok(())
        }

        async fn load(&self, number: u32) -> Result<(u32, u64), Failure> {
            Ok((number, self.visits.lock().unwrap()[number as usize]))
        }

        async fn visit(&self, (number, visits): &mut (u32, u64)) -> Result<bool, Failure> {
            *visits += 1;
            if !self.forgetful {
                self.visits.lock().unwrap()[*number as usize] = *visits;
            }
            Ok(true)
        }

        fn visits(session: &(u32, u64)) -> u64 {
            session.1
        }
    }

    /// Opens, reads two sessions, visits one of them, and has them confirmed.
    fn confirmed(forgetful: bool) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let steps = async {
            let store = Memory { visits: Arc::default(), forgetful };
            let mut sessions = Vec::new();
            for number in 0..2 {
                store.create(number).await?;
                sessions.push(store.load(number).await?);
            }
            store.visit(&mut sessions[1]).await?;
            confirm(&store, &[0, 1], &sessions).await
        };
        runtime.block_on(steps).is_ok()
    }

    #[test]
    fn a_store_that_forgets_what_it_answered_is_found_out() {
        assert!(confirmed(false));
        assert!(!confirmed(true));
    }

    #[test]
    fn ninety_nine_of_a_hundred_times_lie_below_the_99th_percentile() {
        let times: Vec<_> = (1..=100).map(Duration::from_micros).collect();
        assert!((percentile(&times, 99) - 100.0).abs() < 1e-9);
        assert!((percentile(&times[..1], 99) - 1.0).abs() < 1e-9);
        assert!(percentile(&[], 50).is_nan());
    }
}
