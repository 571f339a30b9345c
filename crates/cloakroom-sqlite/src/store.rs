//! The store: two queues, and threads that work them off.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, StoreErrorKind, Swap,
};
use cloakroom::stores::batch::{Answer, Queue, Reply};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};
use rusqlite::Connection;

use crate::builder::SqliteBuilder;
use crate::error::{SqliteError, SqliteErrorKind};
use crate::inspection::Inspection;
use crate::read::Read;
use crate::reader;
use crate::row::Row;
use crate::write::Write;
use crate::writer::Writer;

/// Operations that may wait, and bytes of them.
const WAITING: usize = 16_384;
const WAITING_BYTES: usize = 64 << 20;
/// The largest session, in bytes.
const LARGEST: usize = 16 << 20;
/// Rows that a sweep removes in one step, between which other writes get their turn.
const STEP: usize = 200;
/// What is written for no session in particular is written in turn.
const NO_SESSION: PublicId = PublicId::from_bytes([0; 16]);

/// Sessions in one SQLite file.
///
/// See the [crate](crate) for what is promised. A session may take 16 MiB; a larger one is
/// [`TooLarge`](StoreErrorKind::TooLarge).
///
/// Dropping the store finishes what was asked of it, which may block for a moment.
///
/// # Cancellation
/// Operations are carried out by threads of the store's own once they are called: dropping what a method returned changes
/// nothing. A sweep that is dropped stops after its step.
pub struct SqliteStore {
    path: PathBuf,
    writes: Queue<Write, Reply>,
    reads: Queue<Read, Reply>,
    /// Reads of no session in particular are told apart by number, so that none waits for another.
    lists: AtomicU64,
    writable: bool,
    threads: Vec<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the file at `path`, or creates it: durable, unbounded, two readers.
    ///
    /// Blocks for as long as the disk and other processes need.
    ///
    /// # Errors
    /// [`SqliteError`], naming the file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SqliteError> {
        Self::builder(path).open()
    }

    /// How to open the file at `path` in some other way.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteBuilder {
        SqliteBuilder::new(path.into())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks the file over: its form, its size, who may read it, and whether it is damaged.
    ///
    /// Reads the whole file, and blocks for as long as that takes.
    ///
    /// # Errors
    /// [`SqliteError`] if the file can't be looked over. Damage is no error but part of the answer.
    pub fn inspect(&self) -> Result<Inspection, SqliteError> {
        Inspection::of(&self.path).map_err(|error| error.at(&self.path))
    }

    /// Starts the threads.
    pub(crate) fn start(
        path: PathBuf,
        writer: Option<Writer>,
        readers: Vec<Connection>,
    ) -> Result<Self, SqliteError> {
        let (writing, to_write) = Queue::new(WAITING, WAITING_BYTES);
        let (reading, to_read) = Queue::new(WAITING, usize::MAX);
        let writable = writer.is_some();
        let mut store = Self {
            path,
            writes: writing,
            reads: reading,
            lists: AtomicU64::new(0),
            writable,
            threads: Vec::new(),
        };
        if let Some(writer) = writer {
            store.spawn("sessions: writer", move || writer.run(&to_write))?;
        }
        for connection in readers {
            let driver = to_read.clone();
            store.spawn("sessions: reader", move || reader::run(&connection, &driver))?;
        }
        Ok(store)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), SqliteError> {
        let thread = thread::Builder::new().name(name.into()).spawn(work);
        self.threads
            .push(thread.map_err(|error| SqliteError::system("start a thread for", error))?);
        Ok(())
    }

    /// Reads what is about no session in particular.
    fn list<T: Answer>(&self, read: Read) -> Io<'_, Result<T, StoreError>> {
        let number = u128::from(self.lists.fetch_add(1, Ordering::Relaxed));
        self.reads.ask(PublicId::from_bytes(number.to_be_bytes()), 0, read)
    }

    fn write<T: Answer>(&self, id: PublicId, write: Write) -> Io<'_, Result<T, StoreError>> {
        let bytes = match &write {
            Write::Insert(row) | Write::Replace(_, row) => row.bytes(),
            _ => 0,
        };
        if !self.writable {
            return Io::ready(Err(SqliteError::new(SqliteErrorKind::ReadOnly, "write")
                .at(&self.path)
                .not_sent()));
        }
        if bytes > LARGEST {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::TooLarge)));
        }
        self.writes.ask(id, bytes, write)
    }
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
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        match Row::new(record) {
            Ok(row) => self.write(id, Write::Replace(expected, row)),
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

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.write(admission.id, Write::Admit(admission))
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

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.list(Read::SessionsOf(principal.clone(), page))
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
                let step = STEP.min(limit - swept);
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
            return self.write(NO_SESSION, Write::Probe);
        }
        self.list(Read::Health)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        for thread in self.threads.drain(..) {
            // One that panicked said so itself.
            let _ = thread.join();
        }
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
