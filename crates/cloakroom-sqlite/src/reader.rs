//! A thread that reads.

use cloakroom::stores::batch::{Driver, Reply};
use rusqlite::Connection;

use crate::read::{self, Read};

/// Reads that one thread takes on at once: few, so that the others find some too.
const TAKEN: usize = 8;

/// Answers reads until nobody is left to ask.
pub(crate) fn run(connection: &Connection, driver: &Driver<Read, Reply>) {
    while let Some(mut batch) = driver.next(TAKEN, usize::MAX).wait() {
        for index in 0..batch.len() {
            let found = read::answer(connection, batch.id(index), batch.op(index));
            batch.answer(index, found);
        }
    }
}
