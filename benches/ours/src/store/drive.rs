//! A store, driven hard for a while.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::meter::{Stopwatch, count, microseconds, now, permille};
use crate::visitor::Dice;

/// Sessions in each store.
pub const SESSIONS: usize = 10_000;

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

/// Which of all sessions one process works on, and with how many workers.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub at_once: usize,
    pub process: usize,
    pub processes: usize,
}

impl Share {
    fn of_worker(self, worker: usize) -> impl Iterator<Item = usize> {
        let first = self.process * self.at_once + worker;
        (first..SESSIONS).step_by(self.processes * self.at_once)
    }
}

/// What a process did while it was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Operations that succeeded.
    pub done: usize,
    /// Operations that the store refused for now.
    pub refused: usize,
    pub seconds: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// Operations that succeeded during warm-up too.
    pub in_all: usize,
    /// CPU seconds of the process for all of them.
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
        self.cpu * 1e6 / count(self.in_all)
    }

    /// The outcome of both processes; latencies are those of the slower one.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self {
            done: self.done + other.done,
            refused: self.refused + other.refused,
            seconds: self.seconds.max(other.seconds),
            p50_us: self.p50_us.max(other.p50_us),
            p99_us: self.p99_us.max(other.p99_us),
            in_all: self.in_all + other.in_all,
            cpu: self.cpu + other.cpu,
        }
    }
}

/// Begins all sessions.
pub(super) async fn fill<C: Contender>(store: C) -> Result<(), Failure> {
    let share = Share { at_once: 64, process: 0, processes: 1 };
    let fillers = (0..share.at_once).map(|filler| {
        let store = store.clone();
        async move {
            for number in share.of_worker(filler) {
                store.create(number).await?;
            }
            Ok(())
        }
    });
    all(fillers).await.map(drop)
}

/// Lets each worker use its share of the sessions in random order, after `start` has returned.
pub(super) async fn drive<C: Contender>(
    store: C,
    operation: Operation,
    share: Share,
    span: Duration,
    start: impl FnOnce() -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let workers = (0..share.at_once).map(|worker| {
        let mine = share.of_worker(worker).collect();
        Worker::new(store.clone(), mine)
    });
    let workers = all(workers).await?;
    start()?;
    let watch = Stopwatch::start();
    let workers = all(workers.into_iter().map(|worker| worker.work(operation, span))).await?;
    let (_, cpu) = watch.read();
    let mut outcome = Outcome { seconds: span.as_secs_f64(), cpu, ..Outcome::default() };
    let mut times = Vec::new();
    for worker in &workers {
        outcome.done += worker.done;
        outcome.refused += worker.refused;
        outcome.in_all += worker.in_all;
        times.extend(worker.times.iter().map(|time| microseconds(*time)));
    }
    outcome.p50_us = permille(&mut times, 500);
    outcome.p99_us = permille(&mut times, 990);
    all(workers.into_iter().map(Worker::confirm)).await?;
    Ok(outcome)
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
    done: usize,
    refused: usize,
    in_all: usize,
    times: Vec<Duration>,
}

impl<C: Contender> Worker<C> {
    async fn new(store: C, mine: Vec<usize>) -> Result<Self, Failure> {
        let mut sessions = Vec::with_capacity(mine.len());
        for number in &mine {
            sessions.push(store.load(*number).await?);
        }
        let (done, refused, in_all, times) = (0, 0, 0, Vec::new());
        Ok(Self { store, mine, sessions, done, refused, in_all, times })
    }

    async fn work(mut self, operation: Operation, span: Duration) -> Result<Self, Failure> {
        let mut dice = Dice::new((self.mine[0] as u64) << 32);
        // The first operations warm up.
        let from = now() + span / 10;
        let until = from + span;
        let mut began = now();
        while began < until {
            let which = dice.below(self.mine.len());
            if operation != Operation::Update {
                self.sessions[which] = self.store.load(self.mine[which]).await?;
            }
            let session = &mut self.sessions[which];
            let done = operation == Operation::Read || self.store.update(session).await?;
            let ended = now();
            self.in_all += usize::from(done);
            if from <= ended && ended < until {
                self.done += usize::from(done);
                self.refused += usize::from(!done);
            }
            // An operation that ends late counts as slow.
            if from <= ended {
                self.times.push(ended - began);
            }
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
                let share = Share { at_once: 2, process: 0, processes: 1 };
                let span = Duration::from_millis(5);
                drive(store, Operation::Update, share, span, || Ok(())).await
            })
        };
        assert!(outcome("").unwrap().done > 0);
        assert!(outcome("lossy").is_err());
    }

    #[test]
    fn processes_and_workers_share_all_sessions() {
        let share = |process| Share { at_once: 3, process, processes: 2 };
        let workers = (0..2).flat_map(|process| (0..3).map(move |worker| (process, worker)));
        let all = workers.flat_map(|(process, worker)| share(process).of_worker(worker));
        let mut all: Vec<usize> = all.collect();
        all.sort_unstable();
        assert_eq!(all, (0..SESSIONS).collect::<Vec<_>>());
    }
}
