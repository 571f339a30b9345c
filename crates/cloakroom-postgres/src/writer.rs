//! The tasks that change sessions: all waiting writes go into one statement and one commit.

use std::sync::Arc;

use cloakroom::stores::batch::{Batch, Driver, Reply};
use tokio_postgres::Row;

use crate::connection::{Connection, SendError};
use crate::lone::Lone;
use crate::telling::Telling;
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
        let mut result = send(&connection, &mut batch).await;
        if batch.len() == 1 && result.as_ref().is_err_and(SendError::is_transient) {
            result = send(&connection, &mut batch).await;
        }
        match result {
            Ok(telling) => {
                drop(batch);
                if let Some(telling) = telling {
                    telling.await;
                }
            }
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

/// Carries out a batch and answers its operations.
async fn send(
    connection: &Arc<Connection>,
    batch: &mut Batch<Write, Reply>,
) -> Result<Option<Telling>, SendError> {
    let changes: Vec<String> =
        (0..batch.len()).filter_map(|index| batch.op(index).change(batch.id(index))).collect();
    let changes = changes.join(",");
    if batch.len() == 1 {
        if let Some(lone) = Lone::of(batch.id(0), batch.op(0)) {
            let (rows, telling) =
                connection.write(lone.statement(), &lone.parameters(), &changes).await?;
            if let Some(reply) = lone.answer(!rows.is_empty()) {
                batch.answer(0, Ok(reply));
                return Ok(telling);
            }
            if let Some(telling) = telling {
                telling.await;
            }
        }
    }
    let columns = Columns::of(batch);
    let (rows, telling) =
        connection.write(|statements| &statements.apply, &columns.parameters(), &changes).await?;
    drop(columns);
    answer(batch, &rows);
    Ok(telling)
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
