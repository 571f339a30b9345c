//! A store with a change feed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::record::{Ending, Record, Revision};
use cloakroom::store::{Ended, StoreError, Subscriber, Swap};
use cloakroom::{Io, PublicId, Store, Timestamp, decorate_store};

/// Reports every change of the store inside to its subscribers, as an engine with a feed does.
///
/// [`node`](Self::node) is another node's connection to the same store. The feed of each node can
/// be cut and restored.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # use cloakroom::stores::CachedStore;
/// # use cloakroom_testkit::{FeedStore, block_on};
/// let here = FeedStore::new(MemoryStore::new());
/// let there = here.node();
/// let cached = block_on(CachedStore::builder(here.clone()).build())?;
/// here.cut(); // changes made through `there` are not reported to `here`
/// # Ok::<(), cloakroom::store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct FeedStore<S> {
    store: Arc<S>,
    /// The feeds of all nodes.
    nodes: Arc<Mutex<Vec<Arc<Feed>>>>,
    /// The feed of this node.
    feed: Arc<Feed>,
}

#[derive(Debug, Default)]
struct Feed(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    subscribers: Vec<Arc<dyn Subscriber>>,
    is_cut: bool,
}

impl<S: Store> FeedStore<S> {
    /// The first node's connection to `store`.
    pub fn new(store: S) -> Self {
        let feed = Arc::<Feed>::default();
        Self { store: Arc::new(store), nodes: Arc::new(Mutex::new(vec![Arc::clone(&feed)])), feed }
    }

    /// Another node's connection, with a feed of its own.
    #[must_use = "this returns the connection of another node"]
    pub fn node(&self) -> Self {
        let feed = Arc::<Feed>::default();
        lock(&self.nodes).push(Arc::clone(&feed));
        Self { store: Arc::clone(&self.store), nodes: Arc::clone(&self.nodes), feed }
    }

    /// Drops all reports to this node from now on, silently, as a broken network can.
    pub fn cut(&self) {
        lock(&self.feed.0).is_cut = true;
    }

    /// Restores the feed. Changes made meanwhile stay lost, and subscribers are told of the gap.
    pub fn restore(&self) {
        let mut state = lock(&self.feed.0);
        state.is_cut = false;
        state.subscribers.iter().for_each(|subscriber| subscriber.gap());
    }

    /// Says that every change so far has been reported, as the feed of an engine does each second.
    pub fn heartbeat(&self) {
        let state = lock(&self.feed.0);
        if !state.is_cut {
            state
                .subscribers
                .iter()
                .for_each(|subscriber| subscriber.caught_up_to(subscriber.now()));
        }
    }

    fn notify(&self, id: PublicId, revision: Option<Revision>) {
        for feed in lock(&self.nodes).iter() {
            let state = lock(&feed.0);
            if !state.is_cut {
                state.subscribers.iter().for_each(|subscriber| subscriber.changed(id, revision));
            }
        }
    }

    /// Reports a change before the caller has its answer, as engines do.
    fn notifying<'a, T: Send + 'a>(
        &'a self,
        id: PublicId,
        revision: Option<Revision>,
        answer: Io<'a, Result<T, StoreError>>,
    ) -> Io<'a, Result<T, StoreError>> {
        answer.inspect(move |answer| {
            if answer.is_ok() {
                self.notify(id, revision);
            }
        })
    }
}

impl<S: Store> Store for FeedStore<S> {
    decorate_store!(self => &*self.store;
        insert, get, touch, index_login, revoke_before, erase, sessions_of, scan, sweep, health);

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        lock(&self.feed.0).subscribers.push(subscriber);
        Io::ready(Ok(true))
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.notifying(id, Some(record.revision()), self.store.replace(id, seen, record, now))
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.notifying(id, None, self.store.end_if(id, expected, ending))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.notifying(id, None, self.store.end(id, ending))
    }
}

impl<S> Clone for FeedStore<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            nodes: Arc::clone(&self.nodes),
            feed: Arc::clone(&self.feed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
