//! A store that tells of its changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, Subscriber, Swap,
};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};

/// Tells its listeners of every change of the store inside, as an engine with a feed does. Clones are connections of
/// several nodes to one store; the feed of each can be cut and mended.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # use cloakroom::stores::CachedStore;
/// # use cloakroom_testkit::{FeedStore, block_on};
/// let here = FeedStore::new(MemoryStore::new());
/// let there = here.node();
/// let cached = block_on(CachedStore::builder(here.clone()).start())?;
/// here.cut(); // what is done `there` is not caught_up_to of here any more
/// # Ok::<(), cloakroom::store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct FeedStore<S> {
    store: Arc<S>,
    /// All nodes' ears.
    nodes: Arc<Mutex<Vec<Arc<Ear>>>>,
    here: Arc<Ear>,
}

#[derive(Debug, Default)]
struct Ear(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    listeners: Vec<Arc<dyn Subscriber>>,
    is_cut: bool,
}

impl<S: Store> FeedStore<S> {
    /// The first node's connection to `store`.
    pub fn new(store: S) -> Self {
        let here = Arc::<Ear>::default();
        Self { store: Arc::new(store), nodes: Arc::new(Mutex::new(vec![Arc::clone(&here)])), here }
    }

    /// Another node's connection, with a feed of its own.
    #[must_use = "the other node's connection is returned"]
    pub fn node(&self) -> Self {
        let here = Arc::<Ear>::default();
        lock(&self.nodes).push(Arc::clone(&here));
        Self { store: Arc::clone(&self.store), nodes: Arc::clone(&self.nodes), here }
    }

    /// From now on nothing is caught_up_to here, and nobody is told so: as when a network swallows everything.
    pub fn cut(&self) {
        lock(&self.here.0).is_cut = true;
    }

    /// The feed is whole again: what was missed is lost, and that is told.
    pub fn mend(&self) {
        let mut state = lock(&self.here.0);
        state.is_cut = false;
        state.listeners.iter().for_each(|subscriber| subscriber.gap());
    }

    /// All that was changed so far has been told: what an engine's feed says every second.
    pub fn beat(&self) {
        let state = lock(&self.here.0);
        if !state.is_cut {
            state.listeners.iter().for_each(|subscriber| subscriber.caught_up_to(subscriber.now()));
        }
    }

    fn tell(&self, id: PublicId, revision: Option<Revision>) {
        for ear in lock(&self.nodes).iter() {
            let state = lock(&ear.0);
            if !state.is_cut {
                state.listeners.iter().for_each(|subscriber| subscriber.changed(id, revision));
            }
        }
    }

    /// Told before it is answered, as engines do.
    fn telling<'a, T: Send + 'a>(
        &'a self,
        id: PublicId,
        revision: Option<Revision>,
        answer: Io<'a, Result<T, StoreError>>,
    ) -> Io<'a, Result<T, StoreError>> {
        answer.inspect(move |answer| {
            if answer.is_ok() {
                self.tell(id, revision);
            }
        })
    }
}

impl<S: Store> Store for FeedStore<S> {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        self.store.insert(id, record)
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.store.get(id)
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        lock(&self.here.0).listeners.push(subscriber);
        Io::ready(Ok(true))
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.telling(id, Some(record.revision()), self.store.replace(id, expected, record))
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.store.touch(id, expected, deadline)
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.telling(id, None, self.store.end_if(id, expected, ending))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.telling(id, None, self.store.end(id, ending))
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.store.index_login(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.store.revoke_before(principal, before, until)
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.store.sessions_of(principal, page)
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        self.store.scan(from, limit)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.store.sweep(now, limit)
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.store.health()
    }
}

impl<S> Clone for FeedStore<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            nodes: Arc::clone(&self.nodes),
            here: Arc::clone(&self.here),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
