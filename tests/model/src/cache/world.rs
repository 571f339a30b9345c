//! The environment of the caches: the shared store, the calls to it, the change feeds and the
//! clock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::{Call, Operation, StoreError, Subscriber};
use cloakroom::time::Clock;
use cloakroom::{Io, MemoryStore, PublicId, Store, Timestamp, decorate_store};
use futures_channel::oneshot;

/// The only session.
pub(super) const ID: PublicId = PublicId::from_bytes([7; 16]);

/// A clock that a scenario sets.
#[derive(Clone, Debug)]
pub(super) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(super) fn turn(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The store, and everything in flight to and from it.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<State>>, pub(super) TestClock);

struct State {
    store: MemoryStore,
    /// The states of the session and when each began; `None` if it had ended or did not exist.
    history: Vec<(Timestamp, Option<Revision>)>,
    jobs: Vec<Job>,
    feeds: Vec<Feed>,
}

/// An operation in flight: called, then applied, then answered. Its caller may be gone.
struct Job {
    node: usize,
    operation: Operation,
    stage: Stage,
    /// The state of the session that it produced.
    made: Option<usize>,
}

enum Stage {
    Asked(Act),
    Done(Release),
    Answered,
}

/// Applies it and keeps its answer.
type Act = Box<dyn FnOnce(&MemoryStore) -> Release + Send>;
/// Delivers the answer; false if no caller is waiting.
type Release = Box<dyn FnOnce() -> bool + Send>;

#[derive(Default)]
struct Feed {
    subscriber: Option<Arc<dyn Subscriber>>,
    reported: VecDeque<Message>,
    is_cut: bool,
    /// The newest state that was reported to this node, or that it wrote with an answer.
    floor: usize,
}

enum Message {
    Changed(usize, Option<Revision>),
    Beat(Timestamp),
}

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        let state = State {
            store: MemoryStore::new(),
            history: vec![(Timestamp::EPOCH, None)],
            jobs: Vec::new(),
            feeds: (0..nodes).map(|_| Feed::default()).collect(),
        };
        // A cache treats zero as "never".
        Self(Arc::new(Mutex::new(state)), TestClock(Arc::new(AtomicU64::new(1_000_000))))
    }

    /// One node's connection to the store.
    pub(super) fn remote(&self, node: usize) -> Remote {
        Remote { world: self.clone(), node }
    }

    /// The initial session.
    pub(super) fn begin(&self, record: Record) {
        let mut state = self.lock();
        let (revision, now) = (record.revision(), self.1.now());
        let _ = state.store.insert(ID, record).wait();
        state.history = vec![(now, Some(revision))];
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last state of the session.
    pub(super) fn present(&self) -> usize {
        self.lock().history.len() - 1
    }

    pub(super) fn state(&self, index: usize) -> Option<Revision> {
        self.lock().history[index].1
    }

    /// When the session left this state; `None` if it is still in it.
    pub(super) fn superseded(&self, index: usize) -> Option<Timestamp> {
        self.lock().history.get(index + 1).map(|next| next.0)
    }

    pub(super) fn floor(&self, node: usize) -> usize {
        self.lock().feeds[node].floor
    }

    /// Operations that can be applied, and those that can be answered.
    pub(super) fn under_way(&self) -> (Vec<usize>, Vec<usize>) {
        let state = self.lock();
        let all = || state.jobs.iter().enumerate();
        let asked = all().filter(|(_, job)| matches!(job.stage, Stage::Asked(_)));
        let done = all().filter(|(_, job)| matches!(job.stage, Stage::Done(_)));
        (asked.map(|(job, _)| job).collect(), done.map(|(job, _)| job).collect())
    }

    pub(super) fn describe(&self, job: usize) -> String {
        let job = &self.lock().jobs[job];
        format!("{} of node {}", job.operation, job.node)
    }

    /// Applies an operation and queues its change for the feeds.
    pub(super) fn carry_out(&self, job: usize) {
        let mut state = self.lock();
        let Stage::Asked(act) = std::mem::replace(&mut state.jobs[job].stage, Stage::Answered)
        else {
            return;
        };
        state.jobs[job].stage = Stage::Done(act(&state.store));
        let found = match state.store.get(ID).wait() {
            Ok(Some(Stored::Live(record))) => Some(record.revision()),
            _ => None,
        };
        if state.history.last().is_some_and(|(_, last)| *last != found) {
            state.history.push((self.1.now(), found));
            let made = state.history.len() - 1;
            state.jobs[job].made = Some(made);
            for feed in state.feeds.iter_mut().filter(|feed| !feed.is_cut) {
                feed.reported.push_back(Message::Changed(made, found));
            }
        }
    }

    /// Answers an operation. Its node then knows the change, if its caller is still waiting.
    pub(super) fn answer(&self, job: usize) {
        let mut state = self.lock();
        let Job { node, made, .. } = state.jobs[job];
        let done = std::mem::replace(&mut state.jobs[job].stage, Stage::Answered);
        drop(state);
        let Stage::Done(release) = done else { return };
        if let (true, Some(made)) = (release(), made) {
            let floor = &mut self.lock().feeds[node].floor;
            *floor = (*floor).max(made);
        }
    }

    /// Nodes with changes not yet reported.
    pub(super) fn unreported(&self) -> Vec<usize> {
        let state = self.lock();
        (0..state.feeds.len()).filter(|node| !state.feeds[*node].reported.is_empty()).collect()
    }

    /// Reports the next change to a node.
    pub(super) fn report(&self, node: usize) {
        let mut state = self.lock();
        let word = state.feeds[node].reported.pop_front();
        if let Some(Message::Changed(made, _)) = word {
            // A change of its own counts once it is answered.
            let is_own = |job: &Job| {
                job.made == Some(made) && job.node == node && !matches!(job.stage, Stage::Answered)
            };
            if !state.jobs.iter().any(is_own) {
                let floor = &mut state.feeds[node].floor;
                *floor = (*floor).max(made);
            }
        }
        let subscriber = state.feeds[node].subscriber.clone();
        drop(state);
        match (word, subscriber) {
            (Some(Message::Changed(_, revision)), Some(subscriber)) => {
                subscriber.changed(ID, revision);
            }
            (Some(Message::Beat(asked)), Some(subscriber)) => subscriber.caught_up_to(asked),
            _ => {}
        }
    }

    pub(super) fn beat(&self, node: usize) {
        let asked = self.1.now();
        let feed = &mut self.lock().feeds[node];
        if !feed.is_cut {
            feed.reported.push_back(Message::Beat(asked));
        }
    }

    /// Changes are no longer reported to this node, and it does not know.
    pub(super) fn cut(&self, node: usize) {
        let feed = &mut self.lock().feeds[node];
        (feed.is_cut, feed.reported) = (true, VecDeque::new());
    }

    pub(super) fn is_cut(&self, node: usize) -> bool {
        self.lock().feeds[node].is_cut
    }

    pub(super) fn mend(&self, node: usize) {
        let mut state = self.lock();
        let present = state.history.len() - 1;
        let feed = &mut state.feeds[node];
        (feed.is_cut, feed.floor) = (false, present);
        let subscriber = feed.subscriber.clone();
        drop(state);
        if let Some(subscriber) = subscriber {
            subscriber.gap();
        }
    }

    pub(super) fn subscribe(&self, node: usize, subscriber: Arc<dyn Subscriber>) {
        self.lock().feeds[node].subscriber = Some(subscriber);
    }

    fn ask<T: Send + 'static>(
        &self,
        node: usize,
        operation: Operation,
        act: impl FnOnce(&MemoryStore) -> T + Send + 'static,
    ) -> Io<'static, T> {
        let (sender, answer) = oneshot::channel();
        let act: Act = Box::new(move |store| {
            let answer = act(store);
            Box::new(move || sender.send(answer).is_ok())
        });
        self.lock().jobs.push(Job { node, operation, stage: Stage::Asked(act), made: None });
        Io::future(async move { answer.await.expect("every operation is answered") })
    }
}

/// One node's connection to the store.
#[derive(Clone)]
pub(super) struct Remote {
    world: World,
    node: usize,
}

impl Remote {
    fn around<T: Send + 'static>(
        &self,
        call: Call,
        operation: impl FnOnce(&MemoryStore) -> Io<'_, Result<T, StoreError>> + Send + 'static,
    ) -> Io<'_, Result<T, StoreError>> {
        self.world.ask(self.node, call.operation, move |store| operation(store).wait())
    }
}

impl Store for Remote {
    decorate_store!(self.around:
        insert, get, replace, touch, end_if, end, index_login, revoke_before, erase, sessions_of,
        scan, sweep);

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        self.world.subscribe(self.node, subscriber);
        Io::ready(Ok(true))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        Io::ready(Ok(()))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.node)
    }
}
