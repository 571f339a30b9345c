//! The tasks that read sessions: all waiting reads go into one statement.

use std::collections::HashMap;
use std::sync::Arc;

use cloakroom::PublicId;
use cloakroom::record::{DecodeError, Stored};
use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::column::{self, uuid};
use crate::connection::{Connection, SendError};
use crate::error::{PostgresError, PostgresErrorKind};

/// The most sessions in one statement.
const MAX_BATCH: usize = 256;

/// Reads until the queue is closed and empty. The operation is the id of the session.
pub(crate) async fn run(driver: Driver<PublicId, Reply>, connection: Arc<Connection>) {
    loop {
        connection.backoff_elapsed().await;
        let Some(mut batch) = driver.next(MAX_BATCH, usize::MAX).await else { return };
        let ids: Vec<Uuid> = (0..batch.len()).map(|index| uuid(*batch.op(index))).collect();
        let deadline = connection.deadline_of(&batch);
        match connection.query(deadline, |statements| &statements.read, &[&ids]).await {
            Ok(rows) => answer(&mut batch, &rows),
            // The connection failed under the other task that uses it.
            Err(SendError::Waiting(_)) if !connection.options.outage.lasts() => {
                batch.retry_singly();
            }
            Err(error) => {
                for index in 0..batch.len() {
                    batch.answer(index, Err(error.as_read_error()));
                }
            }
        }
    }
}

/// Answers every read of the batch; several can ask for the same session.
fn answer(batch: &mut Batch<PublicId, Reply>, rows: &[Row]) {
    let found: HashMap<PublicId, &Row> =
        rows.iter().filter_map(|row| Some((column::id(row.try_get(0).ok()?), row))).collect();
    for index in 0..batch.len() {
        let found = found.get(batch.op(index)).map(|row| Ok(entry(row)?.1?)).transpose();
        batch.answer(index, found.map(Into::into));
    }
}

/// Decodes a row of id, record and payload. The inner error is that of an unreadable record.
pub(crate) fn entry(row: &Row) -> Result<(PublicId, Result<Stored, DecodeError>), StoreError> {
    let unreadable = |error: tokio_postgres::Error| {
        PostgresError::caused(PostgresErrorKind::Other, "decode a reply", error).not_sent()
    };
    let head = row.try_get(1).map_err(unreadable)?;
    let payload = row.try_get(2).map_err(unreadable)?;
    Ok((column::id(row.try_get(0).map_err(unreadable)?), column::decode(head, payload)))
}
