//! Sweeps: one statement per step, on a connection of their own.

use std::sync::Arc;

use cloakroom::Timestamp;
use cloakroom::store::StoreError;

use crate::column::{limit, millis};
use crate::connection::Connection;
use crate::error::{PostgresError, PostgresErrorKind};

/// The most sessions that one step checks.
const STEP: usize = 500;

/// Removes at most `max` sessions that are expired at `now`, and expired rows of the principal
/// index. Returns the number of sessions.
pub(crate) async fn run(
    connection: &Arc<Connection>,
    now: Timestamp,
    max: usize,
) -> Result<usize, StoreError> {
    let (mut removed, now) = (0, millis(now));
    while removed < max {
        let step = STEP.min(max - removed);
        let rows = connection
            .query(connection.deadline(), |statements| &statements.sweep, &[&now, &limit(step)])
            .await
            .map_err(|error| error.as_write_error())?;
        let number = |column| {
            let number = rows.first()?.try_get::<_, i64>(column).ok()?;
            usize::try_from(number).ok()
        };
        let (Some(checked), Some(removed_now)) = (number(0), number(1)) else {
            let error = PostgresError::new(PostgresErrorKind::Other, "decode a reply");
            return Err(error.outcome_unknown());
        };
        removed += removed_now;
        if checked < step {
            break;
        }
    }
    connection
        .query(connection.deadline(), |statements| &statements.sweep_index, &[&now, &limit(max)])
        .await
        .map_err(|error| error.as_write_error())?;
    Ok(removed)
}
