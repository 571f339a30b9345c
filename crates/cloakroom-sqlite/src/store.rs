//! The store: a queue of writes and a queue of reads, and the threads that serve them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, StoreErrorKind, Swap,
};
use cloakroom::stores::batch::{Answer, Queue, Reply};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};
use rusqlite::Connection;

use crate::builder::SqliteBuilder;
use crate::error::{SqliteError, SqliteErrorKind};
use crate::file;
use crate::inspection::Inspection;
use crate::read::Read;
use crate::reader;
use crate::row::Row;
use crate::watch::Watch;
use crate::write::Write;
use crate::writer::{Request, Writer};

/// The most operations, and bytes of them, that wait in a queue.
const MAX_WAITING: usize = 16_384;
const MAX_WAITING_BYTES: usize = 64 << 20;
/// The largest session, in bytes.
const MAX_SESSION_BYTES: usize = 16 << 20;
/// How many rows a sweep removes in one step.
const SWEEP_STEP: usize = 200;
/// How often a store without requests looks whether its file was replaced.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// The queue key of operations that concern no single session: they run one after the other.
const NO_SESSION: PublicId = PublicId::from_bytes([0; 16]);

/// A session store in one SQLite file.
///
/// See the [crate documentation](crate) for its guarantees. A session larger than 16 MiB is refused
/// with [`TooLarge`](StoreErrorKind::TooLarge).
///
/// Dropping the store completes the operations that were submitted, and can block while it does.
///
/// # Cancellation
/// The store's own threads carry out an operation as soon as its method is called. Dropping the
/// returned [`Io`] does not cancel it, except that a sweep stops after the current step.
pub struct SqliteStore {
    path: PathBuf,
    watch: Arc<Watch>,
    writes: Queue<Request, Reply>,
    reads: Queue<Read, Reply>,
    /// Gives each list read a queue key of its own, so that none waits for another.
    next_list: AtomicU64,
    writable: bool,
    readers: Vec<JoinHandle<()>>,
    /// The writer, and the thread that watches the file.
    others: Vec<JoinHandle<()>>,
    /// Dropping it stops the thread that watches the file.
    stop: Option<mpsc::Sender<()>>,
}

impl SqliteStore {
    /// Opens the file at `path` with the default options, and creates it if it does not exist.
    ///
    /// Blocks while it waits for the disk and for other processes.
    ///
    /// # Errors
    /// [`SqliteError`], which names the file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SqliteError> {
        Self::builder(path).open()
    }

    /// Options for opening the file at `path`.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteBuilder {
        SqliteBuilder::new(path.into())
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reports the schema version, size and permissions of the file, and any damage.
    ///
    /// Reads the whole file, and blocks while it does.
    ///
    /// # Errors
    /// [`SqliteError`] if the file cannot be read, or was replaced while it was open. Damage is
    /// reported in the [`Inspection`] instead.
    pub fn inspect(&self) -> Result<Inspection, SqliteError> {
        self.watch.check("inspect")?;
        Inspection::of(&self.path).map_err(|error| error.at(&self.path))
    }

    /// Starts the threads: writer, readers, and one that watches the file.
    pub(crate) fn start(
        path: PathBuf,
        watch: Arc<Watch>,
        writer: Option<Writer>,
        readers: Vec<Connection>,
    ) -> Result<Self, SqliteError> {
        let (write_queue, write_driver) = Queue::joining(MAX_WAITING, MAX_WAITING_BYTES, None);
        let (read_queue, read_driver) = Queue::new(MAX_WAITING, usize::MAX);
        let writable = writer.is_some();
        let mut store = Self {
            path,
            watch,
            writes: write_queue,
            reads: read_queue,
            next_list: AtomicU64::new(0),
            writable,
            readers: Vec::new(),
            others: Vec::new(),
            stop: None,
        };
        if let Some(writer) = writer {
            store.others.push(spawn("cloakroom-write", move || writer.run(&write_driver))?);
            store.spawn_watch()?;
        }
        for connection in readers {
            let (driver, watch) = (read_driver.clone(), Arc::clone(&store.watch));
            let work = move || reader::run(&connection, &watch, &driver);
            store.readers.push(spawn("cloakroom-read", work)?);
        }
        Ok(store)
    }

    /// Lets the writer know of a replaced file, also if no request does.
    fn spawn_watch(&mut self) -> Result<(), SqliteError> {
        let (stop, stopped) = mpsc::channel();
        let (watch, writes) = (Arc::clone(&self.watch), self.writes.clone());
        self.stop = Some(stop);
        let watching = spawn("cloakroom-watch", move || {
            while stopped.recv_timeout(WATCH_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if watch.check("use").is_err() {
                    let request = Request { write: Write::Health, sent: file::now() };
                    drop(writes.submit(NO_SESSION, 0, request));
                    return;
                }
            }
        });
        self.others.push(watching?);
        Ok(())
    }

    /// Submits a read that concerns no single session.
    fn list<T: Answer>(&self, read: Read) -> Io<'_, Result<T, StoreError>> {
        let number = u128::from(self.next_list.fetch_add(1, Ordering::Relaxed));
        self.reads.ask(PublicId::from_bytes(number.to_be_bytes()), 0, read)
    }

    fn write<T: Answer>(&self, id: PublicId, write: Write) -> Io<'_, Result<T, StoreError>> {
        let bytes = match &write {
            Write::Insert(row) | Write::Replace(_, row, _) => row.bytes(),
            _ => 0,
        };
        if !self.writable {
            return Io::ready(Err(SqliteError::new(SqliteErrorKind::ReadOnly, "write")
                .at(&self.path)
                .not_sent()));
        }
        if bytes > MAX_SESSION_BYTES {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        self.writes.ask(id, bytes, Request { write, sent: file::now() })
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SqliteError> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|error| SqliteError::system("start a thread for", error))
}

impl Store for SqliteStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match Row::new(record) {
            Ok(row) => self.write(id, Write::Insert(row)),
            Err(error) => Io::ready(Err(error.into())),
        }
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.reads.ask(id, 0, Read::Get)
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        match Row::new(record) {
            Ok(row) => self.write(id, Write::Replace(seen.revision(), row, now)),
            Err(error) => Io::ready(Err(error.into())),
        }
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.write(id, Write::Touch(expected, deadline))
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.write(id, Write::EndIf(expected, ending))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.write(id, Write::End(ending))
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.write(login.id, Write::IndexLogin(login))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let write = Write::RevokeBefore(principal.clone(), before, until);
        self.write(NO_SESSION, write)
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.write(NO_SESSION, Write::Erase(principal.clone(), ended, until))
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.list(Read::SessionsOf(principal.clone(), kind, page))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        match Page::of_scan(from, limit) {
            Ok(page) => self.list(Read::Scan(page)),
            Err(error) => Io::ready(Err(error)),
        }
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        Io::future(async move {
            let mut swept = 0;
            while swept < limit {
                let step = SWEEP_STEP.min(limit - swept);
                let removed = self.write::<usize>(NO_SESSION, Write::Sweep(now, step)).await?;
                swept += removed;
                if removed < step {
                    break;
                }
            }
            Ok(swept)
        })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        if self.writable {
            return self.write(NO_SESSION, Write::Health);
        }
        self.list(Read::Health)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The last connection to close moves the log into the file and removes it. Two that close
        // at the same time each see the other one, and neither does.
        self.reads.close();
        join(&mut self.readers);
        self.writes.close();
        drop(self.stop.take());
        join(&mut self.others);
    }
}

fn join(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.drain(..) {
        // A panic has been reported by the panic hook.
        let _ = thread.join();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
