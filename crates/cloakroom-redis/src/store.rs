//! The store: two queues, and tasks that work them off.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::batch::{Answer, Queue, Reply};
use cloakroom::{
    Admission, Admitted, Cursor, Ended, Ending, Inserted, Io, Listener, Page, Principal, Record, Revision,
    Scanned, SessionId, Store, StoreError, StoreErrorKind, Stored, Swap, Timestamp,
};
use redis::Pipeline;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::builder::RedisBuilder;
use crate::driver;
use crate::error::RedisError;
use crate::feed::Feed;
use crate::inspection::Inspection;
use crate::keys::Keys;
use crate::link::{Broken, Link};
use crate::op::Op;
use crate::walk;

/// Operations that may wait, and bytes of them.
const WAITING: usize = 16_384;
const WAITING_BYTES: usize = 64 << 20;
/// Messages that may be on the wire at once, of reads and of writes.
const MESSAGES: usize = 4;
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
    ops: Queue<Op, Reply>,
    reads: Queue<Op, Reply>,
    /// Reads wait for nothing that is on the same session: each has a number of its own.
    numbers: AtomicU64,
    link: Arc<Link>,
    keys: Keys,
    runtime: Handle,
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

    /// How to reach the server at `url` in some other way.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::new(url.into())
    }

    /// Looks the server over: what it keeps, and what it does when its memory is full.
    ///
    /// # Errors
    /// [`RedisError`] if it can't be asked.
    pub async fn inspect(&self) -> Result<Inspection, RedisError> {
        Inspection::of(&self.link).await
    }

    pub(crate) fn start(link: Arc<Link>, keys: Keys) -> Self {
        let runtime = Handle::current();
        let (ops, to_do) = Queue::new(WAITING, WAITING_BYTES);
        let (reads, to_read) = Queue::new(WAITING, usize::MAX);
        for _ in 0..MESSAGES {
            runtime.spawn(driver::run(to_do.clone(), Arc::clone(&link), keys.clone()));
            runtime.spawn(driver::run(to_read.clone(), Arc::clone(&link), keys.clone()));
        }
        Self { ops, reads, numbers: AtomicU64::new(0), link, keys, runtime, feeds: Mutex::default() }
    }

    /// Makes sure that somebody is there.
    pub(crate) async fn greet(&self) -> Result<(), RedisError> {
        let mut message = Pipeline::new();
        message.cmd("PING");
        match self.link.say(&message, 1).await {
            Ok(_) => Ok(()),
            Err(Broken::NotSent(error) | Broken::Unknown(error)) => Err(error),
        }
    }

    fn ask<T: Answer>(&self, id: SessionId, op: Op) -> Io<'_, Result<T, StoreError>> {
        let bytes = op.bytes();
        if bytes > LARGEST {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        self.ops.ask(id, bytes, op)
    }

    /// Reads wait for nothing, not even for others of the same session.
    fn read<T: Answer>(&self, op: Op) -> Io<'_, Result<T, StoreError>> {
        self.reads.ask(self.number(), 0, op)
    }

    /// The place in a queue of what is about no session in particular.
    fn number(&self) -> SessionId {
        let number = u128::from(self.numbers.fetch_add(1, Ordering::Relaxed));
        SessionId::from_bytes(number.to_be_bytes())
    }

    /// Runs what needs the runtime there, whoever waits for it.
    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Io<'_, Result<T, StoreError>> {
        let task = Aborting(self.runtime.spawn(work));
        Io::future(async move {
            let mut task = task;
            (&mut task.0)
                .await
                .unwrap_or_else(|_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)))
        })
    }
}

/// A task that ends when nobody waits for it.
struct Aborting<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Store for RedisStore {
    fn insert(&self, id: SessionId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match Op::insert(record) {
            Ok(op) => self.ask(id, op),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn get(&self, id: SessionId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.read(Op::Get { key: self.keys.session(id) })
    }

    fn listen(&self, listener: Arc<dyn Listener>) -> Io<'_, Result<bool, StoreError>> {
        let (client, patience) = self.link.way();
        let feed = match Feed::new(client, self.keys.clone(), patience, listener) {
            Ok(feed) => feed,
            Err(error) => return Io::ready(Err(error)),
        };
        let (begun, answer) = oneshot::channel();
        let task = self.runtime.spawn(feed.run(begun)).abort_handle();
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Io::future(async move {
            answer.await.unwrap_or_else(|_| Err(StoreError::not_sent(StoreErrorKind::Unavailable)))
        })
    }

    fn replace(&self, id: SessionId, expected: Revision, record: Record) -> Io<'_, Result<Swap, StoreError>> {
        match Op::replace(expected, record) {
            Ok(op) => self.ask(id, op),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn touch(
        &self,
        id: SessionId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.ask(id, Op::touch(expected, deadline))
    }

    fn end_at(&self, id: SessionId, expected: Revision, ending: Ending) -> Io<'_, Result<Swap, StoreError>> {
        self.ask(id, Op::end_at(expected, ending))
    }

    fn end(&self, id: SessionId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.ask(id, Op::End(ending))
    }

    fn admit(&self, admission: Admission) -> Io<'_, Result<Admitted, StoreError>> {
        let principal = &admission.principal;
        let keys = [self.keys.directory(principal), self.keys.watermark(principal)];
        self.ask(admission.id, Op::Admit { keys, admission })
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let op = Op::Revoke { key: self.keys.watermark(principal), before, until };
        self.ask(self.number(), op)
    }

    fn ids_of(&self, principal: &Principal, page: Page) -> Io<'_, Result<Vec<SessionId>, StoreError>> {
        let op = Op::Directory { key: self.keys.directory(principal) };
        let ids = self.read::<Vec<SessionId>>(op);
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
        let (link, keys, from) = (Arc::clone(&self.link), self.keys.clone(), from.cloned());
        self.run(async move { walk::scan(&link, &keys, from, limit).await })
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        let (link, keys) = (Arc::clone(&self.link), self.keys.clone());
        self.run(async move { walk::sweep(&link, &keys, now, limit).await })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.ask(self.number(), Op::Probe)
    }
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
        f.debug_struct("RedisStore").field("keys", &self.keys).field("ops", &self.ops).finish_non_exhaustive()
    }
}
