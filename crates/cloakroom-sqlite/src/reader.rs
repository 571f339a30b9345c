//! The reader threads.

use cloakroom::stores::batch::{Driver, Reply};
use rusqlite::Connection;

use crate::read::{self, Read};
use crate::watch::Watch;

/// Reads per batch: few, so that the other reader threads get some too.
const MAX_BATCH: usize = 8;

/// Answers reads until the queue is closed and empty.
pub(crate) fn run(connection: &Connection, watch: &Watch, driver: &Driver<Read, Reply>) {
    while let Some(mut batch) = driver.next(MAX_BATCH, usize::MAX).wait() {
        let is_right = watch.check("read");
        for index in 0..batch.len() {
            let reply = match &is_right {
                Ok(()) => read::answer(connection, batch.id(index), batch.op(index)),
                Err(error) => Err(error.not_sent()),
            };
            batch.answer(index, reply);
        }
    }
}
