//! The store: sends each operation to the server that holds its session.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::key::KindTag;
use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, StoreErrorKind,
    Subscriber, Swap,
};
use cloakroom::stores::batch::Answer;
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};
use redis::{Pipeline, Value};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::RedisBuilder;
use crate::error::{RedisError, RedisErrorKind};
use crate::feed::Feed;
use crate::inspection::Inspection;
use crate::keys::Keys;
use crate::op::Op;
use crate::topology::{Master, Topology};
use crate::{scan, server_clock, sweep};

/// The largest session, in bytes.
const MAX_SESSION_BYTES: usize = 16 << 20;

/// A session store in Redis or Valkey.
///
/// See the [crate documentation](crate) for its guarantees. A session larger than 16 MiB is refused
/// with [`TooLarge`](StoreErrorKind::TooLarge).
///
/// # Cancellation
/// The store's own tasks carry out an operation as soon as its method is called. Dropping the
/// returned [`Io`] does not cancel it, except that a scan or a sweep stops.
pub struct RedisStore {
    topology: Arc<Topology>,
    keys: Keys,
    /// Gives each operation that is not a write to a session a queue key of its own, so that none
    /// waits for another.
    next_key: AtomicU64,
    cursors: Arc<sweep::Cursors>,
    /// Aborted when the store is dropped.
    feeds: Mutex<Vec<AbortHandle>>,
}

impl RedisStore {
    /// Connects to the server at `url` with the default options.
    ///
    /// The URL has the form `redis://[user:password@]host[:port][/database]`; `rediss://` uses TLS.
    ///
    /// # Errors
    /// [`RedisError`] if the URL is invalid or the server cannot be reached.
    ///
    /// # Panics
    /// Outside a tokio runtime. The tasks of the store run in the current runtime.
    pub async fn connect(url: impl Into<String>) -> Result<Self, RedisError> {
        Self::builder(url).connect().await
    }

    /// Options for connecting to a cluster, given the URL of one of its nodes.
    ///
    /// The URL has the form `redis://[user:password@]host[:port]`. More nodes can be
    /// [added](RedisBuilder::add_node).
    pub fn cluster(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::cluster(url.into())
    }

    /// Options for connecting to the master that the sentinel at `url` knows as `name`.
    ///
    /// The URL has the form `redis://[user:password@]host[:port][/database]`; user, password and
    /// database are those of the master. More sentinels can be [added](RedisBuilder::add_node).
    pub fn sentinel(url: impl Into<String>, name: impl Into<String>) -> RedisBuilder {
        RedisBuilder::sentinel(url.into(), name.into())
    }

    /// Options for connecting to the server at `url`.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::new(url.into())
    }

    /// Reports version, durability, eviction, replicas and memory of the server, or of every master
    /// of the cluster.
    ///
    /// # Errors
    /// [`RedisError`] if a server cannot be queried.
    pub async fn inspect(&self) -> Result<Vec<Inspection>, RedisError> {
        Inspection::of_all(&self.topology).await
    }

    pub(crate) fn new(topology: Arc<Topology>, keys: Keys) -> Self {
        Self {
            topology,
            keys,
            next_key: AtomicU64::new(0),
            cursors: Arc::default(),
            feeds: Mutex::default(),
        }
    }

    /// Submits an operation to the server that holds this key.
    fn submit<T: Answer>(&self, key: &[u8], id: PublicId, op: Op) -> Io<'_, Result<T, StoreError>> {
        let bytes = op.bytes();
        if bytes > MAX_SESSION_BYTES {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        match self.topology.node_of(key) {
            Some(node) if op.is_read() => node.reads.ask(self.unique_key(), 0, op),
            Some(node) => node.writes.ask(id, bytes, op),
            None => {
                self.topology.refresh_soon();
                let error =
                    RedisError::new(RedisErrorKind::NotReady, "find the node of this session");
                Io::ready(Err(error.not_sent()))
            }
        }
    }

    fn submit_write<T: Answer>(&self, id: PublicId, op: Op) -> Io<'_, Result<T, StoreError>> {
        self.submit(&self.keys.session(id), id, op)
    }

    /// A queue key that no other operation has.
    fn unique_key(&self) -> PublicId {
        let number = u128::from(self.next_key.fetch_add(1, Ordering::Relaxed));
        PublicId::from_bytes(number.to_be_bytes())
    }

    /// Runs a future in the store's runtime, so that a caller outside of it can wait for it.
    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Io<'_, Result<T, StoreError>> {
        let task = AbortOnDropHandle::new(self.topology.runtime().spawn(work));
        Io::future(async move {
            task.await
                .unwrap_or_else(|_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)))
        })
    }
}

impl Store for RedisStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match Op::insert(record) {
            Ok(op) => self.submit_write(id, op),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let key = self.keys.session(id);
        self.submit(&key.clone(), id, Op::Get { key })
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        let feed = Feed::new(Arc::clone(&self.topology), self.keys.clone(), subscriber);
        let (started, outcome) = oneshot::channel();
        let task = self.topology.runtime().spawn(feed.run(started)).abort_handle();
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Io::future(async move {
            outcome.await.unwrap_or_else(|_| Err(StoreError::not_sent(StoreErrorKind::Unavailable)))
        })
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        _: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let node = self.topology.node_of(&self.keys.session(id));
        match Op::replace(seen, record, node.is_some_and(|node| node.is_native())) {
            Ok(op) => self.submit_write(id, op),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.submit_write(id, Op::touch(expected, deadline))
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.submit_write(id, Op::end_if(expected, ending))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.submit_write(id, Op::End(ending))
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        let key = self.keys.principal(&login.principal);
        self.submit(&key.clone(), login.id, Op::IndexLogin { key, login })
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let key = self.keys.principal(principal);
        self.submit(&key.clone(), self.unique_key(), Op::RevokeBefore { key, before, until })
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let key = self.keys.principal(principal);
        self.submit(&key.clone(), self.unique_key(), Op::Erase { key, ended, until })
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let key = self.keys.principal(principal);
        let op = Op::SessionsOf { key: key.clone(), kind };
        let ids = self.submit::<Vec<PublicId>>(&key, self.unique_key(), op);
        // The server sorts them by deadline.
        ids.map(move |ids| {
            let mut ids = ids?;
            ids.retain(|id| page.starts_after().is_none_or(|after| *id > after));
            ids.sort_unstable();
            ids.truncate(page.limit());
            Ok(ids)
        })
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let (topology, keys) = (Arc::clone(&self.topology), self.keys.clone());
        let from = from.cloned();
        self.run(async move { scan::scan(&topology, &keys, from, limit).await })
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        let (topology, keys) = (Arc::clone(&self.topology), self.keys.clone());
        let cursors = Arc::clone(&self.cursors);
        self.run(async move { sweep::sweep(&topology, &keys, now, limit, &cursors).await })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        let topology = Arc::clone(&self.topology);
        self.run(async move { health(&topology).await })
    }
}

/// Checks every master of a cluster, as each holds sessions of its own.
async fn health(topology: &Topology) -> Result<(), StoreError> {
    let mut message = Pipeline::new();
    message.cmd("PING").cmd("TIME");
    let deadline = Instant::now() + topology.settings().timeout;
    for Master { node, .. } in &topology.map().masters {
        let sent = node.connection.send(deadline, &message, 2).await;
        let answers = sent.map_err(|error| error.into_inner().not_sent())?;
        if let Some(Value::ServerError(error)) = answers.first() {
            return Err(RedisError::driver("use the server", error.clone().into()).not_sent());
        }
        if let Some(time) = answers.get(1) {
            let checked = server_clock::check(time, &*topology.settings().clock);
            checked.map_err(|error| error.not_sent())?;
        }
    }
    Ok(())
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        for feed in self.feeds.get_mut().unwrap_or_else(PoisonError::into_inner) {
            feed.abort();
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("keys", &self.keys)
            .field("topology", &self.topology)
            .finish_non_exhaustive()
    }
}
