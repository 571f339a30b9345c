//! A store, driven hard for a while.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::meter::{Stopwatch, count, microseconds, now, permille};
use crate::visitor::Dice;

/// Sessions in each store.
const SESSIONS: usize = 10_000;

/// What a worker does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Read,
    Update,
    /// What a request does that changes its session.
    ReadAndUpdate,
}

impl Operation {
    pub(super) fn parse(name: &str) -> Result<Self, Failure> {
        let all = [Self::Read, Self::Update, Self::ReadAndUpdate];
        let found = all.into_iter().find(|operation| operation.name() == name);
        found.ok_or_else(|| format!("no operation is called `{name}`").into())
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Update => "update",
            Self::ReadAndUpdate => "read and update",
        }
    }
}

/// A session store, as a web application's session layer uses it.
pub trait Contender: Clone + Send + Sync + 'static {
    /// A session as a request holds it.
    type Session: Send + Sync + 'static;

    /// Opens a file or connects to a URL, in the way that `setup` names.
    fn open(place: &str, setup: &str) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Begins the session with this number.
    fn create(&self, number: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Reads the session with this number, and its value.
    fn load(&self, number: usize) -> impl Future<Output = Result<Self::Session, Failure>> + Send;

    /// Counts one more visit. Returns false if the store refused for now, such as for being locked.
    fn update(
        &self,
        session: &mut Self::Session,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    fn visits(session: &Self::Session) -> u64;
}

/// What a contender did while it was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Operations that succeeded.
    pub done: usize,
    /// Operations that the store refused for now.
    pub refused: usize,
    pub seconds: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// CPU seconds of the process.
    pub cpu: f64,
}

impl Outcome {
    #[must_use]
    pub fn per_second(&self) -> f64 {
        count(self.done) / self.seconds
    }

    /// CPU microseconds of an operation.
    #[must_use]
    pub fn cpu_us(&self) -> f64 {
        self.cpu * 1e6 / count(self.done)
    }
}

/// The numbers of the sessions that one of `workers` works on.
fn share(worker: usize, workers: usize) -> impl Iterator<Item = usize> {
    (worker..SESSIONS).step_by(workers)
}

/// Begins all sessions.
pub(super) async fn fill<C: Contender>(store: C) -> Result<(), Failure> {
    const FILLERS: usize = 64;
    let fillers = (0..FILLERS).map(|filler| {
        let store = store.clone();
        async move {
            for number in share(filler, FILLERS) {
                store.create(number).await?;
            }
            Ok(())
        }
    });
    all(fillers).await.map(drop)
}

/// Lets each worker use its share of the sessions in random order.
pub(super) async fn drive<C: Contender>(
    store: C,
    operation: Operation,
    at_once: usize,
    span: Duration,
) -> Result<Outcome, Failure> {
    let workers =
        (0..at_once).map(|worker| Worker::new(store.clone(), share(worker, at_once).collect()));
    let workers = all(workers).await?;
    let warm_up = workers.into_iter().map(|worker| worker.work(operation, span / 10));
    let workers = all(warm_up).await?;
    let watch = Stopwatch::start();
    let workers = all(workers.into_iter().map(|worker| worker.work(operation, span))).await?;
    let (seconds, cpu) = watch.read();
    let done = workers.iter().map(|worker| worker.done).sum();
    let refused = workers.iter().map(|worker| worker.refused).sum();
    let times = workers.iter().flat_map(|worker| &worker.times);
    let mut times: Vec<f64> = times.map(|time| microseconds(*time)).collect();
    let [p50_us, p99_us] = [500, 990].map(|part| permille(&mut times, part));
    all(workers.into_iter().map(Worker::confirm)).await?;
    Ok(Outcome { done, refused, seconds, p50_us, p99_us, cpu })
}

/// Runs all of these at once.
async fn all<F, T>(futures: impl Iterator<Item = F>) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = futures.map(tokio::spawn).collect();
    let mut outputs = Vec::with_capacity(tasks.len());
    for task in tasks {
        outputs.push(task.await??);
    }
    Ok(outputs)
}

/// One worker, its sessions, and what it did with them.
struct Worker<C: Contender> {
    store: C,
    mine: Vec<usize>,
    sessions: Vec<C::Session>,
    dice: Dice,
    done: usize,
    refused: usize,
    times: Vec<Duration>,
}

impl<C: Contender> Worker<C> {
    async fn new(store: C, mine: Vec<usize>) -> Result<Self, Failure> {
        let mut sessions = Vec::with_capacity(mine.len());
        for number in &mine {
            sessions.push(store.load(*number).await?);
        }
        let dice = Dice::new((mine[0] as u64) << 32);
        Ok(Self { store, mine, sessions, dice, done: 0, refused: 0, times: Vec::new() })
    }

    /// Works for so long, and forgets what it did before.
    async fn work(mut self, operation: Operation, span: Duration) -> Result<Self, Failure> {
        (self.done, self.refused) = (0, 0);
        self.times.clear();
        let mut began = now();
        let until = began + span;
        while began < until {
            let which = self.dice.below(self.mine.len());
            if operation != Operation::Update {
                self.sessions[which] = self.store.load(self.mine[which]).await?;
            }
            let session = &mut self.sessions[which];
            let done = operation == Operation::Read || self.store.update(session).await?;
            self.done += usize::from(done);
            self.refused += usize::from(!done);
            let ended = now();
            self.times.push(ended - began);
            began = ended;
        }
        Ok(self)
    }

    /// Fails unless every answered write is there.
    async fn confirm(self) -> Result<(), Failure> {
        for (number, session) in self.mine.iter().zip(&self.sessions) {
            let kept = self.store.load(*number).await?;
            if C::visits(&kept) != C::visits(session) {
                return Err(format!("session {number} lost a write that was answered").into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Counts visits; a lossy one answers writes and does not make them.
    #[derive(Clone)]
    struct Memory {
        visits: Arc<Mutex<Vec<u64>>>,
        is_lossy: bool,
    }

    impl Contender for Memory {
        type Session = (usize, u64);

        async fn open(_: &str, setup: &str) -> Result<Self, Failure> {
            let visits = Arc::new(Mutex::new(vec![0; SESSIONS]));
            Ok(Self { visits, is_lossy: setup == "lossy" })
        }

        async fn create(&self, _: usize) -> Result<(), Failure> {
            Ok(())
        }

        async fn load(&self, number: usize) -> Result<(usize, u64), Failure> {
            Ok((number, self.visits.lock().unwrap()[number]))
        }

        async fn update(&self, (number, visits): &mut (usize, u64)) -> Result<bool, Failure> {
            *visits += 1;
            if !self.is_lossy {
                self.visits.lock().unwrap()[*number] = *visits;
            }
            Ok(true)
        }

        fn visits(session: &(usize, u64)) -> u64 {
            session.1
        }
    }

    #[test]
    fn a_store_that_loses_answered_writes_is_found_out() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = |setup| {
            runtime.block_on(async {
                let store = Memory::open("", setup).await?;
                drive(store, Operation::Update, 2, Duration::from_millis(5)).await
            })
        };
        assert!(outcome("").unwrap().done > 0);
        assert!(outcome("lossy").is_err());
    }
}
