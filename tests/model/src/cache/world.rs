//! What is around the caches: the store that all nodes share, the way to it, the feeds and the clock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Operation, Page, Scanned, StoreError, Subscriber,
    Swap,
};
use cloakroom::time::Clock;
use cloakroom::{Io, MemoryStore, Principal, PublicId, Store, Timestamp};
use futures_channel::oneshot;

/// The one session that everything is about.
pub(super) const ID: PublicId = PublicId::from_bytes([7; 16]);

/// A clock that a scenario turns.
#[derive(Clone, Debug)]
pub(super) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(super) fn turn(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The store, and all that is on its way to and from it.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<State>>, pub(super) Hands);

struct State {
    store: MemoryStore,
    /// What the session was from when on; `None` if it was over or not there.
    history: Vec<(Timestamp, Option<Revision>)>,
    jobs: Vec<Job>,
    feeds: Vec<Feed>,
}

/// An operation on its way: asked, then done, then answered. Nobody needs to wait for it.
struct Job {
    node: usize,
    operation: Operation,
    stage: Stage,
    /// The state of the session that it made.
    made: Option<usize>,
}

enum Stage {
    Asked(Act),
    Done(Release),
    Answered,
}

/// Does it, and has its answer ready.
type Act = Box<dyn FnOnce(&MemoryStore) -> Release + Send>;
/// Gives the answer; false if nobody waits for it any more.
type Release = Box<dyn FnOnce() -> bool + Send>;

#[derive(Default)]
struct Feed {
    subscriber: Option<Arc<dyn Subscriber>>,
    told: VecDeque<Word>,
    is_cut: bool,
    /// The newest state that this node was told of, or that it made itself and was answered.
    floor: usize,
}

enum Word {
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
        // Zero means "never" to a cache.
        Self(Arc::new(Mutex::new(state)), Hands(Arc::new(AtomicU64::new(1_000_000))))
    }

    /// The way of one of the nodes.
    pub(super) fn remote(&self, node: usize) -> Remote {
        Remote { world: self.clone(), node }
    }

    /// The session as it is at first.
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

    /// When the session became something else; `None` if it is that still.
    pub(super) fn superseded(&self, index: usize) -> Option<Timestamp> {
        self.lock().history.get(index + 1).map(|next| next.0)
    }

    pub(super) fn floor(&self, node: usize) -> usize {
        self.lock().feeds[node].floor
    }

    /// Jobs that may be done, and those that may be answered.
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

    /// Does a job. What it changes is told.
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
                feed.told.push_back(Word::Changed(made, found));
            }
        }
    }

    /// Answers a job. What it changed is known here from now on, if somebody still waits for the answer.
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

    /// Nodes that have something to hear.
    pub(super) fn untold(&self) -> Vec<usize> {
        let state = self.lock();
        (0..state.feeds.len()).filter(|node| !state.feeds[*node].told.is_empty()).collect()
    }

    /// Tells a node the next thing.
    pub(super) fn tell(&self, node: usize) {
        let mut state = self.lock();
        let word = state.feeds[node].told.pop_front();
        if let Some(Word::Changed(made, _)) = word {
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
            (Some(Word::Changed(_, revision)), Some(subscriber)) => {
                subscriber.changed(ID, revision)
            }
            (Some(Word::Beat(asked)), Some(subscriber)) => subscriber.caught_up_to(asked),
            _ => {}
        }
    }

    pub(super) fn beat(&self, node: usize) {
        let asked = self.1.now();
        let feed = &mut self.lock().feeds[node];
        if !feed.is_cut {
            feed.told.push_back(Word::Beat(asked));
        }
    }

    /// Nothing is caught_up_to on this node any more, and it does not know.
    pub(super) fn cut(&self, node: usize) {
        let feed = &mut self.lock().feeds[node];
        (feed.is_cut, feed.told) = (true, VecDeque::new());
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
        Io::future(async move { answer.await.expect("every job is answered") })
    }
}

/// One node's way to the store.
#[derive(Clone)]
pub(super) struct Remote {
    world: World,
    node: usize,
}

impl Store for Remote {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        self.world.ask(self.node, Operation::Insert, move |store| store.insert(id, record).wait())
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.world.ask(self.node, Operation::Get, move |store| store.get(id).wait())
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        self.world.subscribe(self.node, subscriber);
        Io::ready(Ok(true))
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.world.ask(self.node, Operation::Replace, move |store| {
            store.replace(id, expected, record).wait()
        })
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.world.ask(self.node, Operation::Touch, move |store| {
            store.touch(id, expected, deadline).wait()
        })
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.world.ask(self.node, Operation::EndIf, move |store| {
            store.end_if(id, expected, ending).wait()
        })
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.world.ask(self.node, Operation::End, move |store| store.end(id, ending).wait())
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.world
            .ask(self.node, Operation::IndexLogin, move |store| store.index_login(admission).wait())
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let principal = principal.clone();
        self.world.ask(self.node, Operation::RevokeBefore, move |store| {
            store.revoke_before(&principal, before, until).wait()
        })
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let principal = principal.clone();
        self.world.ask(self.node, Operation::SessionsOf, move |store| {
            store.sessions_of(&principal, page).wait()
        })
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let from = from.cloned();
        self.world
            .ask(self.node, Operation::Scan, move |store| store.scan(from.as_ref(), limit).wait())
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.world.ask(self.node, Operation::Sweep, move |store| store.sweep(now, limit).wait())
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
