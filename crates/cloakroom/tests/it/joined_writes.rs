//! Changes of one session that wait for a store with a queue: each is planned on what the one
//! before is about to write, and those that wait become one write.

mod lost_answers;
mod refusals;

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::observe::{Event, Observer};
use cloakroom::record::{Record, Revision};
use cloakroom::store::{StoreError, StoreErrorKind, Swap};
use cloakroom::stores::batch::{Batch, Driver, JoinWrites, Queue, Reply};
use cloakroom::stores::{CachedStore, InstrumentedStore, TimeoutStore};
use cloakroom::{
    Error, Io, Key, MemoryStore, PublicId, Session, SessionMap, Store, Timestamp, decorate_store,
};
use cloakroom_testkit::{SpyStore, TestSessions, block_on};

/// A store that replaces records when its [`Engine`] is told to.
#[derive(Debug)]
struct Queued {
    store: SpyStore<MemoryStore>,
    writes: Queue<Write, Reply>,
}

struct Write {
    seen: Record,
    record: Record,
    now: Timestamp,
}

impl JoinWrites for Write {
    fn join(&mut self, next: Self) -> Option<Self> {
        if next.seen.revision() != self.record.revision() {
            return Some(next);
        }
        (self.record, self.now) = (next.record, next.now);
        None
    }

    fn writes(&self, revision: Revision) -> bool {
        self.record.revision() == revision
    }
}

impl Store for Queued {
    decorate_store!(self => &self.store; insert, get, get_cached, subscribe, touch, end_if, end,
        index_login, revoke_before, erase, sessions_of, scan, sweep, health);

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.writes.ask(id, 0, Write { seen: seen.clone(), record, now })
    }
}

struct Engine {
    store: SpyStore<MemoryStore>,
    driver: Driver<Write, Reply>,
    /// How many records it was asked to replace.
    carried_out: Cell<usize>,
}

impl Engine {
    fn batch(&self) -> Option<Batch<Write, Reply>> {
        match poll(pin!(self.driver.next(100, usize::MAX))) {
            Poll::Ready(batch) => batch,
            Poll::Pending => None,
        }
    }

    /// Carries out the writes that wait, one for each session. Returns whether there was one.
    fn carry_out(&self) -> bool {
        let Some(mut batch) = self.batch() else { return false };
        for index in 0..batch.len() {
            let Write { seen, record, now } = batch.op(index);
            let swap = self.store.replace(batch.id(index), seen, record.clone(), *now).wait();
            self.carried_out.set(self.carried_out.get() + 1);
            batch.answer(index, swap.map(Reply::from));
        }
        true
    }

    /// Carries out the write that waits, and answers that no one knows.
    fn lose_an_answer(&self) {
        let mut batch = self.batch().expect("nothing waits");
        assert!(matches!(self.replace(&batch), Ok(Swap::Done)));
        batch.answer(0, Err(unknown()));
    }

    /// What the store answers to the only write of a batch.
    fn replace(&self, batch: &Batch<Write, Reply>) -> Result<Swap, StoreError> {
        let Write { seen, record, now } = batch.op(0);
        self.store.replace(batch.id(0), seen, record.clone(), *now).wait()
    }

    /// Fails the writes that wait.
    fn fail(&self, error: &StoreError) {
        let mut batch = self.batch().expect("nothing waits");
        for index in 0..batch.len() {
            batch.answer(index, Err(error.clone()));
        }
    }
}

fn unknown() -> StoreError {
    StoreError::outcome_unknown(StoreErrorKind::Unavailable)
}

type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn queued() -> (Queued, Engine) {
    let store = SpyStore::new(MemoryStore::new());
    let (writes, driver) = Queue::joining(1_000, 1_000, None);
    let engine = Engine { store: store.clone(), driver, carried_out: Cell::new(0) };
    (Queued { store, writes }, engine)
}

fn start() -> (TestSessions<SessionMap>, Engine, Key) {
    let (store, engine) = queued();
    let (test, key) = with(store);
    (test, engine, key)
}

fn with(store: impl Store) -> (TestSessions<SessionMap>, Key) {
    let test = TestSessions::new(store);
    let key =
        block_on(test.sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone();
    (test, key)
}

fn open(test: &TestSessions<SessionMap>, key: &Key) -> Session<SessionMap> {
    block_on(test.sessions.request_session().session(&test.request(key))).unwrap()
}

fn open_all(test: &TestSessions<SessionMap>, key: &Key, count: usize) -> Vec<Session<SessionMap>> {
    (0..count).map(|_| open(test, key)).collect()
}

fn count_of(test: &TestSessions<SessionMap>, key: &Key) -> u64 {
    open(test, key).value().get("count").unwrap().unwrap_or(0)
}

fn increment(session: &mut Session<SessionMap>) -> Task<'_, u64> {
    Box::pin(async {
        let counted = session.update(|map| {
            let count = map.get::<u64>("count").ok().flatten().unwrap_or(0) + 1;
            map.insert("count", count).map(|()| count)
        });
        Ok(counted.await?.expect("a number can be kept"))
    })
}

/// Polls tasks until they wait for the engine, and returns what those that are over returned.
fn poll_all<T>(tasks: &mut Vec<Task<'_, T>>) -> Vec<Result<T, Error>> {
    let mut results = Vec::new();
    for _ in 0..100 {
        tasks.retain_mut(|task| match poll(task.as_mut()) {
            Poll::Ready(result) => {
                results.push(result);
                false
            }
            Poll::Pending => true,
        });
    }
    results
}

/// Runs tasks and engine to the end.
fn finish<T>(engine: &Engine, tasks: &mut Vec<Task<'_, T>>) -> Vec<Result<T, Error>> {
    let mut results = poll_all(tasks);
    while engine.carry_out() {
        results.extend(poll_all(tasks));
    }
    assert!(tasks.is_empty(), "{} tasks wait for nothing", tasks.len());
    results
}

/// The first writers of a session all try what they have read, and lose to the first; from then on
/// all that wait are written as one.
#[test]
fn changes_that_wait_for_one_session_become_one_write_and_each_counts_once() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 64);
    let mut tasks: Vec<_> = sessions.iter_mut().map(increment).collect();
    let mut counts: Vec<u64> =
        finish(&engine, &mut tasks).into_iter().map(|count| count.unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=64).collect::<Vec<_>>());
    assert_eq!(count_of(&test, &key), 64);
    let writes = engine.carried_out.get();
    assert!(writes <= 64 + 2, "{writes} writes: 64 attempts, and what was joined");
}

/// A hot session: who is answered comes again at once. Returns how many writes that took.
fn hot(test: &TestSessions<SessionMap>, engine: &Engine, key: &Key) -> u64 {
    let mut tasks: Vec<Task<'_, ()>> = (0..WRITERS)
        .map(|_| -> Task<'_, ()> {
            Box::pin(async {
                for _ in 0..ROUNDS {
                    let request = test.sessions.request_session();
                    let mut session = request.session(&test.request(key)).await?;
                    increment(&mut session).await?;
                }
                Ok(())
            })
        })
        .collect();
    for result in finish(engine, &mut tasks) {
        result.unwrap();
    }
    assert_eq!(count_of(test, key), WRITERS * ROUNDS);
    engine.carried_out.get() as u64
}

const WRITERS: u64 = 32;
const ROUNDS: u64 = 20;
/// The first attempts, and a few for each answer.
const FEW: u64 = WRITERS + 4 * ROUNDS;

#[test]
fn a_hot_session_takes_a_write_for_each_answer_of_the_store_and_not_for_each_change() {
    let (test, engine, key) = start();
    let writes = hot(&test, &engine, &key);
    assert!(writes <= FEW, "{writes} writes for {} changes", WRITERS * ROUNDS);
}

/// A cache, a timeout and an observer are what applications with busy stores have.
#[test]
fn stores_around_a_queue_let_changes_be_joined() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let (store, engine) = queued();
    let store = TimeoutStore::new(InstrumentedStore::new(store, Ignore), Duration::from_secs(600));
    let (test, key) = with(block_on(CachedStore::builder(store).build()).unwrap());
    let writes = hot(&test, &engine, &key);
    assert!(writes <= FEW, "{writes} writes for {} changes", WRITERS * ROUNDS);
}

#[derive(Debug)]
struct Ignore;

impl Observer for Ignore {
    fn observe(&self, _: &Event<'_>) {}
}

/// Brings the writers into the state in which each waits with a write planned on the one before.
fn chained<'a>(engine: &Engine, sessions: &'a mut [Session<SessionMap>]) -> Vec<Task<'a, u64>> {
    let count = sessions.len();
    let mut tasks: Vec<_> = sessions.iter_mut().map(increment).collect();
    let mut over = poll_all(&mut tasks).len();
    // One attempt of each: the first is written, the others lose.
    for _ in 0..count {
        assert!(engine.carry_out());
        over += poll_all(&mut tasks).len();
    }
    assert_eq!((over, tasks.len()), (1, count - 1));
    tasks
}

#[test]
fn a_joined_write_that_lost_to_another_process_is_made_again_on_what_that_left() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 5);
    let mut tasks = chained(&engine, &mut sessions);
    let elsewhere = TestSessions::<SessionMap>::with(engine.store.clone(), |builder| {
        builder.clock(test.clock.clone())
    });
    let mut other = open(&elsewhere, &key);
    assert_eq!(block_on(increment(&mut other)).unwrap(), 2);
    let before = engine.carried_out.get();
    let mut counts: Vec<u64> =
        finish(&engine, &mut tasks).into_iter().map(|count| count.unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [3, 4, 5, 6]);
    assert_eq!(count_of(&test, &key), 6);
    assert!(engine.carried_out.get() - before <= 4, "they lost together, and are joined again");
}

/// The queue has it, so it happens; who comes later goes on from there.
#[test]
fn a_change_that_is_dropped_once_it_is_queued_happens_and_holds_up_no_one() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 6);
    let mut tasks = chained(&engine, &mut sessions);
    drop(tasks.remove(2));
    drop(tasks.remove(0));
    let mut counts: Vec<u64> =
        finish(&engine, &mut tasks).into_iter().map(|count| count.unwrap()).collect();
    counts.sort_unstable();
    assert_eq!((counts.len(), count_of(&test, &key)), (3, 6));
}

#[test]
fn a_change_that_is_queued_and_never_polled_again_holds_up_no_one() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 4);
    let mut stuck = chained(&engine, &mut sessions);
    let mut later = open(&test, &key);
    let mut tasks = vec![increment(&mut later)];
    assert_eq!(finish(&engine, &mut tasks).remove(0).unwrap(), 5);
    assert_eq!(poll_all(&mut stuck).len(), 3);
}
