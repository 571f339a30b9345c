//! The store: three queues, and the tasks that serve them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::key::KindTag;
use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, StoreErrorKind,
    Subscriber, Swap,
};
use cloakroom::stores::batch::{Answer, Queue, Reply};
use cloakroom::value::CodecError;
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::{Access, PostgresBuilder};
use crate::connect_options::ConnectOptions;
use crate::connection::Connection;
use crate::error::PostgresError;
use crate::feed::Feed;
use crate::index_op::{self, IndexOp};
use crate::inspection::Inspection;
use crate::lane::Lane;
use crate::write::Write;
use crate::{promotions, reader, sweep, writer};

/// The most operations, and bytes of them, that wait in a queue.
const MAX_WAITING: usize = 16_384;
const MAX_WAITING_BYTES: usize = 64 << 20;
/// Connections per queue. While one write connection waits for its commit, the other one works.
const CONNECTIONS: usize = 2;
/// The most statements in flight on a read connection.
const READS_IN_FLIGHT: usize = 2;
/// The largest session, in bytes.
const MAX_SESSION_BYTES: usize = 16 << 20;

/// A session store in a PostgreSQL database.
///
/// See the [crate documentation](crate) for its guarantees. A session larger than 16 MiB is refused
/// with [`TooLarge`](StoreErrorKind::TooLarge).
///
/// # Cancellation
/// The store's own tasks carry out an operation as soon as its method is called. Dropping the
/// returned [`Io`] does not cancel it, except that a sweep stops after the current step.
pub struct PostgresStore {
    writes: Queue<Write, Reply>,
    reads: Queue<PublicId, Reply>,
    index_ops: Queue<IndexOp, Reply>,
    /// Connects at the first sweep.
    sweep_connection: Arc<Connection>,
    /// Gives each operation that is not a write a queue key of its own, so that none waits for
    /// another.
    next_key: AtomicU64,
    options: ConnectOptions,
    runtime: Handle,
    /// Aborted when the store is dropped.
    feeds: Mutex<Vec<AbortHandle>>,
    _promotions: AbortOnDropHandle<()>,
}

impl PostgresStore {
    /// Connects to the server at `url` with the default options, and creates or migrates the
    /// tables.
    ///
    /// The URL has the form
    /// `postgres://[user[:password]@]host[:port][/database][?sslmode=require]`.
    ///
    /// # Errors
    /// [`PostgresError`] if the URL is invalid, the server cannot be reached, or the tables cannot
    /// be used.
    ///
    /// # Panics
    /// Outside a tokio runtime. The tasks of the store run in the current runtime.
    pub async fn connect(url: impl Into<String>) -> Result<Self, PostgresError> {
        Self::builder(url).connect().await
    }

    /// Options for connecting to the server at `url`.
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url.into())
    }

    /// Reports the version, durability, encryption and size of the server.
    ///
    /// # Errors
    /// [`PostgresError`] if the server cannot be queried.
    pub async fn inspect(&self) -> Result<Inspection, PostgresError> {
        Inspection::of(&self.options).await
    }

    pub(crate) fn start(options: ConnectOptions) -> Self {
        let runtime = Handle::current();
        // What has waited longer is not sent: a fifth of the timeout is left to answer it.
        let timeout = options.timeout * 4 / 5;
        let (writes, write_driver) = Queue::joining(MAX_WAITING, MAX_WAITING_BYTES, Some(timeout));
        let (reads, read_driver) = Queue::with_timeout(MAX_WAITING, usize::MAX, timeout);
        let (index_ops, index_driver) = Queue::with_timeout(MAX_WAITING, usize::MAX, timeout);
        let connection = || Connection::new(options.clone());
        let lane = Lane::start(&runtime, &options);
        for _ in 0..CONNECTIONS {
            let writing = Connection::for_writes(options.clone(), writer::LOCK_TIMEOUT);
            runtime.spawn(writer::run(write_driver.clone(), writing, lane.clone()));
            runtime.spawn(index_op::run(index_driver.clone(), connection()));
            let connection = connection();
            for _ in 0..READS_IN_FLIGHT {
                runtime.spawn(reader::run(read_driver.clone(), Arc::clone(&connection)));
            }
        }
        let promotions = runtime.spawn(promotions::watch(options.clone()));
        Self {
            writes,
            reads,
            index_ops,
            sweep_connection: connection(),
            next_key: AtomicU64::new(0),
            options,
            runtime,
            feeds: Mutex::default(),
            _promotions: AbortOnDropHandle::new(promotions),
        }
    }

    fn write<T: Answer>(
        &self,
        id: PublicId,
        write: Result<Write, CodecError>,
    ) -> Io<'_, Result<T, StoreError>> {
        let write = match write {
            Ok(write) => write,
            Err(error) => return Io::ready(Err(error.into())),
        };
        let bytes = write.bytes();
        if bytes > MAX_SESSION_BYTES {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        self.writes.ask(id, bytes, write)
    }

    fn index_op<T: Answer>(&self, op: IndexOp) -> Io<'_, Result<T, StoreError>> {
        self.index_ops.ask(self.unique_key(), 0, op)
    }

    /// A queue key that no other operation has.
    fn unique_key(&self) -> PublicId {
        let number = u128::from(self.next_key.fetch_add(1, Ordering::Relaxed));
        PublicId::from_bytes(number.to_be_bytes())
    }
}

impl Store for PostgresStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        self.write(id, Write::insert(record))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.reads.ask(self.unique_key(), 0, id)
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        // To be told of changes, a listener makes itself known, which is a write.
        if self.options.access == Access::Read {
            return Io::ready(Ok(false));
        }
        let (started, outcome) = oneshot::channel();
        let feed = Feed::new(self.options.clone(), subscriber);
        let task = self.runtime.spawn(feed.run(started)).abort_handle();
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
        self.write(id, Write::replace(seen.revision(), record))
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.write(id, Ok(Write::touch(expected, deadline)))
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.write(id, Ok(Write::end_if(expected, ending)))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.write(id, Ok(Write::end(ending)))
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.index_op(IndexOp::IndexLogin(login))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.index_op(IndexOp::RevokeBefore(principal.clone(), before, until))
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.index_op(IndexOp::Erase(principal.clone(), ended, until))
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.index_op(IndexOp::SessionsOf(principal.clone(), kind, page))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        match Page::of_scan(from, limit) {
            Ok(page) => self.index_op(IndexOp::Scan(page)),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        let connection = Arc::clone(&self.sweep_connection);
        let task = AbortOnDropHandle::new(
            self.runtime.spawn(async move { sweep::run(&connection, now, limit).await }),
        );
        Io::future(async move {
            let aborted = |_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable));
            task.await.unwrap_or_else(aborted)
        })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.index_op(IndexOp::Health)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        for feed in self.feeds.get_mut().unwrap_or_else(PoisonError::into_inner) {
            feed.abort();
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("names", &self.options.names)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
