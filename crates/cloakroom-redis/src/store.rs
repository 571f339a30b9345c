//! The store: each operation goes to the server that has its session.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
use tokio_util::task::AbortOnDropHandle;

use crate::builder::RedisBuilder;
use crate::error::{RedisError, RedisErrorKind};
use crate::feed::Feed;
use crate::inspection::Inspection;
use crate::keys::Keys;
use crate::link::Broken;
use crate::net::{Master, Net};
use crate::op::Op;
use crate::walk;

/// The largest session, in bytes.
const LARGEST: usize = 16 << 20;

/// Sessions in a Redis or Valkey server.
///
/// See the [crate](crate) for what is promised. A session may take 16 MiB; a larger one is
/// [`TooLarge`](StoreErrorKind::TooLarge).
///
/// # Cancellation
/// Operations are carried out by tasks of the store's own once they are called: dropping what a method returned changes
/// nothing. A sweep that is dropped stops where it is.
pub struct RedisStore {
    net: Arc<Net>,
    keys: Keys,
    /// Reads wait for nothing that is on the same session: each has a number of its own.
    numbers: AtomicU64,
    places: Arc<walk::Places>,
    /// Ended with the store.
    feeds: Mutex<Vec<AbortHandle>>,
}

impl RedisStore {
    /// Reaches the server at `url`, `redis://[user:password@]host[:port][/database]`.
    ///
    /// # Errors
    /// [`RedisError`] if the address is none, or nobody can be reached there.
    ///
    /// # Panics
    /// Outside a tokio runtime: the store lives in the one that this is called in.
    pub async fn connect(url: impl Into<String>) -> Result<Self, RedisError> {
        Self::builder(url).connect().await
    }

    /// How to reach the cluster that the server at `url` is one of, `redis://[user:password@]host[:port]`; more may be added.
    pub fn cluster(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::cluster(url.into())
    }

    /// How to reach the master called `name` by the sentinel at `url`, `redis://host[:port]`; more may be added.
    pub fn sentinel(url: impl Into<String>, name: impl Into<String>) -> RedisBuilder {
        RedisBuilder::sentinel(url.into(), name.into())
    }

    /// How to reach the server at `url` in some other way.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::new(url.into())
    }

    /// Looks the server over, or every master of the cluster: what it keeps, and what it does when its memory is full.
    ///
    /// # Errors
    /// [`RedisError`] if one can't be asked.
    pub async fn inspect(&self) -> Result<Vec<Inspection>, RedisError> {
        Inspection::of_all(&self.net).await
    }

    pub(crate) fn start(net: Arc<Net>, keys: Keys) -> Self {
        Self {
            net,
            keys,
            numbers: AtomicU64::new(0),
            places: Arc::default(),
            feeds: Mutex::default(),
        }
    }

    /// Makes sure that somebody is there.
    pub(crate) async fn greet(&self) -> Result<(), RedisError> {
        let mut message = Pipeline::new();
        message.cmd("PING");
        for Master { node, .. } in &self.net.map().masters {
            if let Err(Broken::NotSent(error) | Broken::Unknown(error)) =
                node.link.say(&message, 1).await
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Has it done by the server that has this key.
    fn ask<T: Answer>(&self, key: &[u8], id: PublicId, op: Op) -> Io<'_, Result<T, StoreError>> {
        let bytes = op.bytes();
        if bytes > LARGEST {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        match self.net.node_of(key) {
            // Reads wait for nothing, not even for others of the same session.
            Some(node) if op.is_read() => node.reads.ask(self.number(), 0, op),
            Some(node) => node.ops.ask(id, bytes, op),
            None => {
                self.net.explore_soon();
                let error =
                    RedisError::new(RedisErrorKind::NotReady, "find the server of this session");
                Io::ready(Err(error.not_sent()))
            }
        }
    }

    fn of_session<T: Answer>(&self, id: PublicId, op: Op) -> Io<'_, Result<T, StoreError>> {
        self.ask(&self.keys.session(id), id, op)
    }

    /// The place in a queue of what is about no session in particular.
    fn number(&self) -> PublicId {
        let number = u128::from(self.numbers.fetch_add(1, Ordering::Relaxed));
        PublicId::from_bytes(number.to_be_bytes())
    }

    /// Runs what needs the runtime there, whoever waits for it.
    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Io<'_, Result<T, StoreError>> {
        let task = AbortOnDropHandle::new(self.net.runtime().spawn(work));
        Io::future(async move {
            task.await
                .unwrap_or_else(|_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)))
        })
    }
}

impl Store for RedisStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match Op::insert(record) {
            Ok(op) => self.of_session(id, op),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let key = self.keys.session(id);
        self.ask(&key.clone(), id, Op::Get { key })
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        let feed = Feed::new(Arc::clone(&self.net), self.keys.clone(), subscriber);
        let (begun, answer) = oneshot::channel();
        let task = self.net.runtime().spawn(feed.run(begun)).abort_handle();
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Io::future(async move {
            answer.await.unwrap_or_else(|_| Err(StoreError::not_sent(StoreErrorKind::Unavailable)))
        })
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        match Op::replace(expected, record) {
            Ok(op) => self.of_session(id, op),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.of_session(id, Op::touch(expected, deadline))
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.of_session(id, Op::end_if(expected, ending))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.of_session(id, Op::End(ending))
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        let principal = &admission.principal;
        let keys = [self.keys.directory(principal), self.keys.watermark(principal)];
        self.ask(&keys[0].clone(), admission.id, Op::IndexLogin { keys, admission })
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let key = self.keys.watermark(principal);
        self.ask(&key.clone(), self.number(), Op::Revoke { key, before, until })
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let key = self.keys.directory(principal);
        let ids = self.ask::<Vec<PublicId>>(&key.clone(), self.number(), Op::Directory { key });
        // The server has them by deadline.
        ids.map(move |ids| {
            let mut ids = ids?;
            ids.retain(|id| page.starts_after().is_none_or(|after| *id > after));
            ids.sort_unstable();
            ids.truncate(page.limit());
            Ok(ids)
        })
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let (net, keys, from) = (Arc::clone(&self.net), self.keys.clone(), from.cloned());
        self.run(async move { walk::scan(&net, &keys, from, limit).await })
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        let (net, keys, places) =
            (Arc::clone(&self.net), self.keys.clone(), Arc::clone(&self.places));
        self.run(async move { walk::sweep(&net, &keys, now, limit, &places).await })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        let net = Arc::clone(&self.net);
        self.run(async move { health(&net).await })
    }
}

/// All servers of a cluster must be there: each has sessions of its own.
async fn health(net: &Net) -> Result<(), StoreError> {
    let mut message = Pipeline::new();
    message.cmd("PING");
    let failed = |broken| match broken {
        Broken::NotSent(error) | Broken::Unknown(error) => error.not_sent(),
    };
    for Master { node, .. } in &net.map().masters {
        let answers = node.link.say(&message, 1).await.map_err(failed)?;
        if let Some(Value::ServerError(error)) = answers.first() {
            return Err(RedisError::driver("use the server", error.clone().into()).not_sent());
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
            .field("net", &self.net)
            .finish_non_exhaustive()
    }
}
