//! The store: three queues, and tasks that work them off.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

use crate::builder::PostgresBuilder;
use crate::errand::{self, Errand};
use crate::error::PostgresError;
use crate::feed::Feed;
use crate::inspection::Inspection;
use crate::link::{Link, Way};
use crate::write::Write;
use crate::{reader, sweep, writer};

/// Operations that may wait, and bytes of them.
const WAITING: usize = 16_384;
const WAITING_BYTES: usize = 64 << 20;
/// Connections for each kind of work. Of two that write one works while the other commits.
const CONNECTIONS: usize = 2;
/// Statements that may be on the way at once on a connection that reads.
const READS: usize = 2;
/// The largest session, in bytes.
const LARGEST: usize = 16 << 20;

/// Sessions in a PostgreSQL database.
///
/// See the [crate](crate) for what is promised. A session may take 16 MiB; a larger one is
/// [`TooLarge`](StoreErrorKind::TooLarge).
///
/// # Cancellation
/// Operations are carried out by tasks of the store's own once they are called: dropping what a method returned changes
/// nothing. A sweep that is dropped stops after its step.
pub struct PostgresStore {
    writes: Queue<Write, Reply>,
    reads: Queue<PublicId, Reply>,
    errands: Queue<Errand, Reply>,
    /// Whose connection is made by the first sweep.
    sweeper: Arc<Link>,
    /// What waits for nothing on the same session has a number of its own.
    numbers: AtomicU64,
    way: Way,
    runtime: Handle,
    /// Ended with the store.
    feeds: Mutex<Vec<AbortHandle>>,
}

impl PostgresStore {
    /// Reaches the server at `url`, `postgres://[user[:password]@]host[:port][/database][?sslmode=require]`, and brings the
    /// tables up to date.
    ///
    /// # Errors
    /// [`PostgresError`] if the address is none, nobody can be reached there, or the tables can't be used.
    ///
    /// # Panics
    /// Outside a tokio runtime: the store lives in the one that this is called in.
    pub async fn connect(url: impl Into<String>) -> Result<Self, PostgresError> {
        Self::builder(url).connect().await
    }

    /// How to reach the server at `url` in some other way.
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url.into())
    }

    /// Looks the server over: whether it can be used, and what it promises.
    ///
    /// # Errors
    /// [`PostgresError`] if it can't be asked.
    pub async fn inspect(&self) -> Result<Inspection, PostgresError> {
        Inspection::of(&self.way).await
    }

    pub(crate) fn start(way: Way) -> Self {
        let runtime = Handle::current();
        let (writes, to_write) = Queue::with_timeout(WAITING, WAITING_BYTES, way.patience);
        let (reads, to_read) = Queue::with_timeout(WAITING, usize::MAX, way.patience);
        let (errands, to_do) = Queue::with_timeout(WAITING, usize::MAX, way.patience);
        for _ in 0..CONNECTIONS {
            runtime.spawn(writer::run(to_write.clone(), Link::new(way.clone())));
            runtime.spawn(errand::run(to_do.clone(), Link::new(way.clone())));
            let link = Link::new(way.clone());
            for _ in 0..READS {
                runtime.spawn(reader::run(to_read.clone(), Arc::clone(&link)));
            }
        }
        let sweeper = Link::new(way.clone());
        let (numbers, feeds) = (AtomicU64::new(0), Mutex::default());
        Self { writes, reads, errands, sweeper, numbers, way, runtime, feeds }
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
        if bytes > LARGEST {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        self.writes.ask(id, bytes, write)
    }

    fn errand<T: Answer>(&self, errand: Errand) -> Io<'_, Result<T, StoreError>> {
        self.errands.ask(self.number(), 0, errand)
    }

    /// The place in a queue of what waits for nothing.
    fn number(&self) -> PublicId {
        let number = u128::from(self.numbers.fetch_add(1, Ordering::Relaxed));
        PublicId::from_bytes(number.to_be_bytes())
    }
}

impl Store for PostgresStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        self.write(id, Write::insert(record))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.reads.ask(self.number(), 0, id)
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        let (begun, answer) = oneshot::channel();
        let task =
            self.runtime.spawn(Feed::new(self.way.clone(), subscriber).run(begun)).abort_handle();
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
        self.write(id, Write::replace(expected, record))
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

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.errand(Errand::Admit(admission))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.errand(Errand::RevokeBefore(principal.clone(), before, until))
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.errand(Errand::SessionsOf(principal.clone(), page))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        match Page::of_scan(from, limit) {
            Ok(page) => self.errand(Errand::Scan(page)),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        let link = Arc::clone(&self.sweeper);
        let task = AbortOnDropHandle::new(
            self.runtime.spawn(async move { sweep::run(&link, now, limit).await }),
        );
        Io::future(async move {
            let gone = |_| Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable));
            task.await.unwrap_or_else(gone)
        })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.errand(Errand::Probe)
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
            .field("names", &self.way.names)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
