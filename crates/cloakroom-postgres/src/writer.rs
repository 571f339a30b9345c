//! The tasks that change sessions: all waiting writes go into one statement and one commit.

use std::sync::Arc;

use cloakroom::stores::batch::{Batch, Driver, Reply};
use tokio_postgres::Row;

use crate::connection::{Connection, SendError};
use crate::write::{Columns, Write};

/// The most operations in one statement: their notification must fit into 8,000 bytes.
const MAX_BATCH: usize = 96;
/// The most bytes of operations in one statement.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Writes until the queue is closed and empty.
pub(crate) async fn run(driver: Driver<Write, Reply>, connection: Arc<Connection>) {
    loop {
        connection.backoff_elapsed().await;
        let Some(mut batch) = driver.next(MAX_BATCH, MAX_BATCH_BYTES).await else { return };
        let columns = Columns::of(&batch);
        let mut result =
            connection.query(|statements| &statements.apply, &columns.parameters()).await;
        if batch.len() == 1 && result.as_ref().is_err_and(SendError::is_transient) {
            result = connection.query(|statements| &statements.apply, &columns.parameters()).await;
        }
        drop(columns);
        match result {
            Ok(rows) => answer(&mut batch, &rows),
            Err(SendError::NotSent(error))
                if batch.len() > 1 && error.may_concern_one_operation() =>
            {
                batch.retry_singly();
            }
            Err(error) => {
                for index in 0..batch.len() {
                    batch.answer(index, Err(error.as_write_error()));
                }
            }
        }
    }
}

/// Answers the operations that the rows name. One without a row stays unanswered, which reports its
/// outcome as unknown.
fn answer(batch: &mut Batch<Write, Reply>, rows: &[Row]) {
    for row in rows {
        let place = row.try_get::<_, i64>(0).ok().and_then(|place| usize::try_from(place - 1).ok());
        if let Some(index) = place.filter(|index| *index < batch.len()) {
            let reply = batch.op(index).answer(row);
            batch.answer(index, reply);
        }
    }
}
