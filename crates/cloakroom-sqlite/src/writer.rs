//! The writer thread: all waiting operations go into one transaction, with one fsync.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{SqliteError, SqliteErrorKind};
use crate::file;
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

pub(crate) struct Writer {
    connection: Connection,
    /// How long to wait for another process.
    timeout: Duration,
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
    pub(crate) const fn new(connection: Connection, timeout: Duration) -> Self {
        Self { connection, timeout, now: Timestamp::EPOCH }
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self, driver: &Driver<Write, Reply>) {
        while let Some(batch) = driver.next(MAX_BATCH, MAX_BATCH_BYTES).wait() {
            self.advance_time(&batch);
            self.write(batch);
        }
    }

    fn write(&mut self, mut batch: Batch<Write, Reply>) {
        match self.transact(&batch) {
            Ok(answers) => {
                for (index, answer) in answers.into_iter().enumerate() {
                    batch.answer(index, answer);
                }
            }
            Err(Failure::RolledBack(error))
                if error.kind() == SqliteErrorKind::Full && self.make_room() =>
            {
                batch.retry_singly();
            }
            // Only the operation that failed is to fail.
            Err(Failure::RolledBack(_)) if batch.len() > 1 => batch.retry_singly(),
            Err(Failure::NotBegun(error) | Failure::RolledBack(error)) => {
                answer_all(batch, || error.not_sent());
            }
            Err(Failure::AtCommit(error)) => answer_all(batch, || error.outcome_unknown()),
        }
    }

    fn transact(&self, batch: &Batch<Write, Reply>) -> Result<Answers, Failure> {
        let failed = |error| SqliteError::engine("write", error).on(&self.connection);
        let not_begun = |error| Failure::NotBegun(failed(error));
        let rolled_back = |error| Failure::RolledBack(failed(error));
        let at_commit = |error| Failure::AtCommit(failed(error));
        self.roll_back().map_err(not_begun)?;
        let before = self.sweep_before();
        let transaction = self.begin().map_err(not_begun)?;
        let inserts =
            (0..batch.len()).filter(|index| matches!(batch.op(*index), Write::Insert(_))).count();
        if inserts > 0 {
            // Done first, so that the inserts can reuse the space.
            write::sweep(&transaction, before, inserts * SWEPT_PER_INSERT).map_err(rolled_back)?;
        }
        let answers: Result<Answers, _> = (0..batch.len())
            .map(|index| write::apply(&transaction, batch.id(index), batch.op(index)))
            .collect();
        let answers = answers.map_err(rolled_back)?;
        transaction.commit().map_err(at_commit)?;
        Ok(answers)
    }

    /// Begins a transaction, once no other process is in one.
    fn begin(&self) -> rusqlite::Result<Transaction<'_>> {
        file::retry_while_busy(self.timeout, || {
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
    fn make_room(&self) -> bool {
        let before = self.sweep_before();
        let swept = self.roll_back().and_then(|()| {
            let transaction = self.begin()?;
            let swept = write::sweep(&transaction, before, SWEPT_WHEN_FULL)?;
            transaction.commit().map(|()| swept)
        });
        swept.is_ok_and(|swept| swept > 0)
    }

    /// Takes the time from the operations.
    fn advance_time(&mut self, batch: &Batch<Write, Reply>) {
        for index in 0..batch.len() {
            match batch.op(index) {
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

fn answer_all(mut batch: Batch<Write, Reply>, error: impl Fn() -> StoreError) {
    for index in 0..batch.len() {
        batch.answer(index, Err(error()));
    }
}
