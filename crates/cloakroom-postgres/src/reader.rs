//! The tasks that read sessions: whatever waits is one statement.

use std::collections::HashMap;
use std::sync::Arc;

use cloakroom::PublicId;
use cloakroom::record::{DecodeError, Stored};
use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::column::{self, uuid};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::link::Link;

/// Sessions in one statement.
const MOST: usize = 256;

/// Works until nobody is left to ask. An operation is the session to be read.
pub(crate) async fn run(driver: Driver<PublicId, Reply>, link: Arc<Link>) {
    loop {
        link.rested().await;
        let Some(mut batch) = driver.next(MOST, usize::MAX).await else { return };
        let ids: Vec<Uuid> = (0..batch.len()).map(|index| uuid(*batch.op(index))).collect();
        match link.ask(|words| &words.read, &[&ids]).await {
            Ok(rows) => answer(&mut batch, &rows),
            Err(broken) => {
                for index in 0..batch.len() {
                    batch.answer(index, Err(broken.of_read()));
                }
            }
        }
    }
}

/// Several may have asked for one session.
fn answer(batch: &mut Batch<PublicId, Reply>, rows: &[Row]) {
    let found: HashMap<PublicId, &Row> =
        rows.iter().filter_map(|row| Some((column::id(row.try_get(0).ok()?), row))).collect();
    for index in 0..batch.len() {
        let found = found.get(batch.op(index)).map(|row| Ok(entry(row)?.1?)).transpose();
        batch.answer(index, found.map(Into::into));
    }
}

/// The session in a row of id, head and payload, as far as it can be decoded.
pub(crate) fn entry(row: &Row) -> Result<(PublicId, Result<Stored, DecodeError>), StoreError> {
    let unreadable = |error: tokio_postgres::Error| {
        PostgresError::caused(PostgresErrorKind::Other, "understand an answer", error).not_sent()
    };
    let head = row.try_get(1).map_err(unreadable)?;
    let payload = row.try_get(2).map_err(unreadable)?;
    Ok((column::id(row.try_get(0).map_err(unreadable)?), column::stored(head, payload)))
}
