//! The thread that writes: whatever waits is one transaction, with one fsync.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{SqliteError, SqliteErrorKind};
use crate::file;
use crate::write::{self, Write};

/// Operations, and bytes of them, in one transaction.
const MOST: usize = 512;
const MOST_BYTES: usize = 4 << 20;
/// Rows of garbage that each new session takes along: more than one, so that garbage runs out before the file grows.
const TAKEN_ALONG: usize = 2;
/// Rows of garbage that are removed at once when the file is full.
const TO_MAKE_ROOM: usize = 500;
/// How long garbage is left alone between sweeps: what is read a moment late is told "expired".
const SLACK: u64 = 60_000;

pub(crate) struct Writer {
    connection: Connection,
    /// How long it waits for another process.
    patience: Duration,
    /// The time that a caller spoke of last: what garbage is judged by between sweeps.
    caught_up_to: Timestamp,
}

/// Why a transaction came to nothing.
enum Stopped {
    /// It was never begun.
    NotBegun(SqliteError),
    /// One of its operations stopped it: nothing happened.
    Undone(SqliteError),
    /// It happened whole or not at all.
    AtCommit(SqliteError),
}

type Answers = Vec<Result<Reply, StoreError>>;

impl Writer {
    pub(crate) const fn new(connection: Connection, patience: Duration) -> Self {
        Self { connection, patience, caught_up_to: Timestamp::EPOCH }
    }

    /// Writes until nobody is left to ask.
    pub(crate) fn run(mut self, driver: &Driver<Write, Reply>) {
        while let Some(batch) = driver.next(MOST, MOST_BYTES).wait() {
            self.listen(&batch);
            self.work_off(batch);
        }
    }

    fn work_off(&mut self, mut batch: Batch<Write, Reply>) {
        match self.transact(&batch) {
            Ok(answers) => {
                for (index, answer) in answers.into_iter().enumerate() {
                    batch.answer(index, answer);
                }
            }
            Err(Stopped::Undone(error))
                if error.kind() == SqliteErrorKind::Full && self.make_room() =>
            {
                batch.retry_singly();
            }
            // The others need not fail with the one that did.
            Err(Stopped::Undone(_)) if batch.len() > 1 => batch.retry_singly(),
            Err(Stopped::NotBegun(error) | Stopped::Undone(error)) => {
                answer_all(batch, || error.not_sent())
            }
            Err(Stopped::AtCommit(error)) => answer_all(batch, || error.outcome_unknown()),
        }
    }

    fn transact(&self, batch: &Batch<Write, Reply>) -> Result<Answers, Stopped> {
        let not_begun = |error| Stopped::NotBegun(SqliteError::engine("write sessions", error));
        let undone = |error| Stopped::Undone(SqliteError::engine("write sessions", error));
        let at_commit = |error| Stopped::AtCommit(SqliteError::engine("write sessions", error));
        self.settle().map_err(not_begun)?;
        let long_past = self.long_past();
        let transaction = self.begin().map_err(not_begun)?;
        let born =
            (0..batch.len()).filter(|index| matches!(batch.op(*index), Write::Insert(_))).count();
        if born > 0 {
            // Before the inserts, which may then use its room.
            write::sweep(&transaction, long_past, born * TAKEN_ALONG).map_err(undone)?;
        }
        let answers: Result<Answers, _> = (0..batch.len())
            .map(|index| write::apply(&transaction, batch.id(index), batch.op(index)))
            .collect();
        let answers = answers.map_err(undone)?;
        transaction.commit().map_err(at_commit)?;
        Ok(answers)
    }

    /// Begins a transaction when no other process is in one.
    fn begin(&self) -> rusqlite::Result<Transaction<'_>> {
        file::patiently(self.patience, || {
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
        })
    }

    /// Leaves a transaction behind that could be neither committed nor rolled back when it failed.
    fn settle(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.connection.execute_batch("ROLLBACK")
        }
    }

    /// Removes some garbage from a file that is full; true if there was any.
    fn make_room(&self) -> bool {
        let long_past = self.long_past();
        let swept = self.settle().and_then(|()| {
            let transaction = self.begin()?;
            let swept = write::sweep(&transaction, long_past, TO_MAKE_ROOM)?;
            transaction.commit().map(|()| swept)
        });
        swept.is_ok_and(|swept| swept > 0)
    }

    fn listen(&mut self, batch: &Batch<Write, Reply>) {
        for index in 0..batch.len() {
            match batch.op(index) {
                Write::Insert(row) => {
                    self.caught_up_to = Timestamp::from_millis(row.created.unsigned_abs())
                }
                Write::End(ending) | Write::EndIf(_, ending) => self.caught_up_to = ending.at(),
                Write::Sweep(now, _) => self.caught_up_to = *now,
                _ => {}
            }
        }
    }

    /// What is garbage at this time is so without doubt.
    fn long_past(&self) -> Timestamp {
        Timestamp::from_millis(self.caught_up_to.as_millis().saturating_sub(SLACK))
    }
}

fn answer_all(mut batch: Batch<Write, Reply>, error: impl Fn() -> StoreError) {
    for index in 0..batch.len() {
        batch.answer(index, Err(error()));
    }
}
