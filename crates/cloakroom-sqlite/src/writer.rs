//! The writer thread: all waiting operations go into one transaction, with one fsync.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::Timestamp;
use cloakroom::record::Revision;
use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, JoinWrites, Reply};
use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};

use crate::error::{SqliteError, SqliteErrorKind};
use crate::file;
use crate::watch::Watch;
use crate::write::{self, Write};

/// The most operations, and bytes of them, in one transaction.
const MAX_BATCH: usize = 512;
const MAX_BATCH_BYTES: usize = 4 << 20;
/// How many expired rows each new session removes: more than one, so that the file stops growing.
const SWEPT_PER_INSERT: usize = 2;
/// How many expired rows are removed at once when the file is full.
const SWEPT_WHEN_FULL: usize = 500;
/// How long, in milliseconds, the writer keeps expired rows: their holders still learn "expired".
const SWEEP_DELAY: u64 = 60_000;
/// How long a transaction waits for a lock that the one before did not get.
const WAIT_WHILE_LOCKED: Duration = Duration::from_millis(10);
/// How long the log of a replaced file is tried to be emptied.
const MAX_LEAVING: Duration = Duration::from_secs(1);

/// A write, and when it was called.
pub(crate) struct Request {
    pub(crate) write: Write,
    pub(crate) sent: Instant,
}

impl JoinWrites for Request {
    fn join(&mut self, next: Self) -> Option<Self> {
        let Self { write, sent } = next;
        self.write.join(write).map(|write| Self { write, sent })
    }

    fn writes(&self, revision: Revision) -> bool {
        self.write.writes(revision)
    }
}

pub(crate) struct Writer {
    connection: Connection,
    /// How long a call can wait for another process, its time in the queue included.
    timeout: Duration,
    watch: Arc<Watch>,
    /// Whether the last transaction did not get the lock.
    was_locked: bool,
    /// Whether the file was found replaced, and its log emptied.
    has_left: bool,
    /// The latest time that an operation named: the writer reads no clock.
    now: Timestamp,
}

/// Why a transaction failed.
enum Failure {
    /// It was never begun.
    NotBegun(SqliteError),
    /// An operation failed: the transaction was rolled back.
    RolledBack(SqliteError),
    /// The commit failed: all of it happened, or nothing.
    AtCommit(SqliteError),
}

type Answers = Vec<Result<Reply, StoreError>>;

impl Writer {
    pub(crate) const fn new(connection: Connection, timeout: Duration, watch: Arc<Watch>) -> Self {
        let now = Timestamp::EPOCH;
        Self { connection, timeout, watch, was_locked: false, has_left: false, now }
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self, driver: &Driver<Request, Reply>) {
        while let Some(batch) = driver.next(MAX_BATCH, MAX_BATCH_BYTES).wait() {
            self.advance_time(&batch);
            self.write(batch);
        }
        if self.watch.check("close").is_err() {
            self.leave();
        }
    }

    fn write(&mut self, mut batch: Batch<Request, Reply>) {
        let deadline = self.deadline(&batch);
        let done = self.transact(&batch, deadline);
        self.was_locked = matches!(
            &done, Err(Failure::NotBegun(error)) if error.kind() == SqliteErrorKind::Locked
        );
        match done {
            Ok(answers) => {
                for (index, answer) in answers.into_iter().enumerate() {
                    batch.answer(index, answer);
                }
            }
            Err(Failure::RolledBack(error))
                if error.kind() == SqliteErrorKind::Full && self.make_room(deadline) =>
            {
                batch.retry_singly();
            }
            // Only the operation that failed is to fail.
            Err(Failure::RolledBack(_)) if batch.len() > 1 => batch.retry_singly(),
            Err(Failure::NotBegun(error) | Failure::RolledBack(error)) => {
                if error.kind() == SqliteErrorKind::Replaced {
                    self.leave();
                }
                answer_all(batch, || error.not_sent());
            }
            Err(Failure::AtCommit(error)) => answer_all(batch, || error.outcome_unknown()),
        }
    }

    /// When the call that came first has waited for long enough. Those behind it do not wait for
    /// the same lock any longer: the calls behind them would have to wait even longer.
    fn deadline(&self, batch: &Batch<Request, Reply>) -> Instant {
        let now = file::now();
        let first = (0..batch.len()).map(|index| batch.op(index).sent).min().unwrap_or(now);
        let deadline = first + self.timeout;
        if self.was_locked { deadline.min(now + WAIT_WHILE_LOCKED) } else { deadline }
    }

    fn transact(
        &self,
        batch: &Batch<Request, Reply>,
        deadline: Instant,
    ) -> Result<Answers, Failure> {
        let failed = |error| SqliteError::engine("write", error).on(&self.connection);
        let not_begun = |error| Failure::NotBegun(failed(error));
        let rolled_back = |error| Failure::RolledBack(failed(error));
        let at_commit = |error| Failure::AtCommit(failed(error));
        // Before SQLite looks at what is left of an emptied file.
        self.watch.check("write").map_err(Failure::NotBegun)?;
        self.roll_back().map_err(not_begun)?;
        let before = self.sweep_before();
        let transaction = self.begin(deadline).map_err(not_begun)?;
        self.watch.check("write").map_err(Failure::NotBegun)?;
        let is_insert = |index: &usize| matches!(batch.op(*index).write, Write::Insert(_));
        let inserts = (0..batch.len()).filter(is_insert).count();
        if inserts > 0 {
            // Done first, so that the inserts can reuse the space.
            write::sweep(&transaction, before, inserts * SWEPT_PER_INSERT).map_err(rolled_back)?;
        }
        let answers: Result<Answers, _> = (0..batch.len())
            .map(|index| write::apply(&transaction, batch.id(index), &batch.op(index).write))
            .collect();
        let answers = answers.map_err(rolled_back)?;
        transaction.commit().map_err(at_commit)?;
        Ok(answers)
    }

    /// Begins a transaction, once no other process is in one.
    fn begin(&self, deadline: Instant) -> rusqlite::Result<Transaction<'_>> {
        file::retry_while_busy(deadline, || {
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
        })
    }

    /// Rolls back a transaction that is still open because its own rollback failed.
    fn roll_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.connection.execute_batch("ROLLBACK")
        }
    }

    /// Removes expired rows from a full file; returns true if there were any.
    fn make_room(&self, deadline: Instant) -> bool {
        let before = self.sweep_before();
        let swept = self.roll_back().and_then(|()| {
            let transaction = self.begin(deadline)?;
            let swept = write::sweep(&transaction, before, SWEPT_WHEN_FULL)?;
            transaction.commit().map(|()| swept)
        });
        swept.is_ok_and(|swept| swept > 0)
    }

    /// Leaves a file that was replaced: moves its log into it, once, and touches neither again.
    ///
    /// The log keeps its name, under which SQLite would take it for that of the new file; emptied,
    /// it has no effect. It is emptied through its descriptor, so the log of a new file that
    /// brought its own is not touched. What fails here leaves everything as it is.
    fn leave(&mut self) {
        if std::mem::replace(&mut self.has_left, true) {
            return;
        }
        let _ = file::retry_while_busy(file::now() + MAX_LEAVING, || {
            let is_busy = |row: &rusqlite::Row<'_>| row.get::<_, bool>(0);
            if self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], is_busy)? {
                let busy = ffi::Error::new(ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(busy, None));
            }
            Ok(())
        });
    }

    /// Takes the time from the operations.
    fn advance_time(&mut self, batch: &Batch<Request, Reply>) {
        for index in 0..batch.len() {
            match &batch.op(index).write {
                Write::Insert(row) => self.now = Timestamp::from_millis(row.created.unsigned_abs()),
                Write::End(ending) | Write::EndIf(_, ending) => self.now = ending.at(),
                Write::Replace(.., now) | Write::Sweep(now, _) => self.now = *now,
                Write::IndexLogin(login) => self.now = login.now.unwrap_or(self.now),
                _ => {}
            }
        }
    }

    /// Rows that expired before this time can be removed.
    fn sweep_before(&self) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis().saturating_sub(SWEEP_DELAY))
    }
}

fn answer_all(mut batch: Batch<Request, Reply>, error: impl Fn() -> StoreError) {
    for index in 0..batch.len() {
        batch.answer(index, Err(error()));
    }
}
