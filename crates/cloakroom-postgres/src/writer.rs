//! The tasks that change sessions: all waiting writes go into one statement and one commit.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::PublicId;
use cloakroom::store::Swap;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use tokio::time::Instant;
use tokio_postgres::Row;

use crate::column;
use crate::connection::{Connection, SendError};
use crate::lane::Lane;
use crate::lone::Lone;
use crate::telling::Telling;
use crate::write::{Columns, Kind, Write};

/// The most operations in one statement: their notification must fit into 8,000 bytes.
const MAX_BATCH: usize = 96;
/// The most bytes of operations in one statement.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// How long a statement waits for a lock: longer than another node's write has one, and so short
/// that a forgotten transaction is not felt.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// Writes until the queue is closed and empty.
pub(crate) async fn run(driver: Driver<Write, Reply>, connection: Arc<Connection>, lane: Lane) {
    loop {
        connection.backoff_elapsed().await;
        let Some(mut batch) = driver.next(MAX_BATCH, MAX_BATCH_BYTES).await else { return };
        let deadline = connection.deadline_of(&batch);
        let sent = if batch.len() == 1 {
            send_one(&connection, deadline, &mut batch, 0)
                .await
                .map(|telling| (telling, Vec::new()))
        } else {
            send_all(&connection, deadline, &mut batch).await
        };
        match sent {
            Ok((telling, locked)) => {
                if locked.is_empty() {
                    drop(batch);
                } else {
                    lane.wait(batch, locked);
                }
                if let Some(telling) = telling {
                    telling.await;
                }
            }
            Err(error) if batch.len() == 1 && error.is_transient() => lane.wait(batch, vec![0]),
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

/// Carries out a batch and answers its operations, but for those whose sessions are locked. Returns
/// the places of these.
async fn send_all(
    connection: &Arc<Connection>,
    deadline: Instant,
    batch: &mut Batch<Write, Reply>,
) -> Result<(Option<Telling>, Vec<usize>), SendError> {
    let mut places: Vec<usize> = (0..batch.len()).collect();
    let mut tellings = Vec::new();
    if places.iter().all(|place| batch.op(*place).kind == Kind::Replace) {
        tellings.extend(replace_all(connection, deadline, batch, &mut places).await?);
    }
    let mut locked = Vec::new();
    if !places.is_empty() {
        let changes = changes(batch, &places);
        let columns = Columns::of(places.iter().map(|place| (batch.id(*place), batch.op(*place))));
        let applied = connection
            .write(deadline, |statements| &statements.apply, &columns.parameters(), &changes)
            .await;
        drop(columns);
        let (rows, telling) = match applied {
            Ok(applied) => applied,
            Err(error) => {
                // Listeners are told of what was replaced before.
                all_of(tellings).map(tokio::spawn);
                return Err(error);
            }
        };
        tellings.extend(telling);
        for row in &rows {
            let Some(place) = number(row).and_then(|number| places.get(number)) else { continue };
            match batch.op(*place).answer(row) {
                Some(reply) => batch.answer(*place, reply),
                None => locked.push(*place),
            }
        }
    }
    Ok((all_of(tellings), locked))
}

/// Carries out a batch of replaces in a cheaper statement, and answers those that are done. Leaves
/// the places of the others, of which only `apply.sql` can tell why they are not.
async fn replace_all(
    connection: &Arc<Connection>,
    deadline: Instant,
    batch: &mut Batch<Write, Reply>,
    places: &mut Vec<usize>,
) -> Result<Option<Telling>, SendError> {
    let changes = changes(batch, places);
    let columns = Columns::of(places.iter().map(|place| (batch.id(*place), batch.op(*place))));
    let (rows, telling) = connection
        .write(deadline, |statements| &statements.replace_all, &columns.of_replaces(), &changes)
        .await?;
    drop(columns);
    let done: Vec<PublicId> =
        rows.iter().filter_map(|row| row.try_get(0).ok()).map(column::id).collect();
    places.retain(|place| {
        let is_done = done.contains(&batch.id(*place));
        if is_done {
            batch.answer(*place, Ok(Swap::Done.into()));
        }
        !is_done
    });
    Ok(telling)
}

/// What listeners are told if the writes at these places are made.
fn changes(batch: &Batch<Write, Reply>, places: &[usize]) -> String {
    let changes: Vec<String> =
        places.iter().filter_map(|place| batch.op(*place).change(batch.id(*place))).collect();
    changes.join(",")
}

fn all_of(mut tellings: Vec<Telling>) -> Option<Telling> {
    if tellings.len() < 2 {
        return tellings.pop();
    }
    Some(Box::pin(async move {
        for telling in tellings {
            telling.await;
        }
    }))
}

/// Carries out and answers one operation of a batch, if need be once its session is not locked.
pub(crate) async fn send_one(
    connection: &Arc<Connection>,
    deadline: Instant,
    batch: &mut Batch<Write, Reply>,
    index: usize,
) -> Result<Option<Telling>, SendError> {
    let (id, write) = (batch.id(index), batch.op(index));
    let changes = write.change(id).unwrap_or_default();
    if let Some(lone) = Lone::of(id, write) {
        let (rows, telling) =
            connection.write(deadline, lone.statement(), &lone.parameters(), &changes).await?;
        if let Some(reply) = lone.answer(!rows.is_empty()) {
            batch.answer(index, Ok(reply));
            return Ok(telling);
        }
        if let Some(telling) = telling {
            // Nothing was changed, so no one waits for it.
            tokio::spawn(telling);
        }
    }
    let columns = Columns::of([(id, write)].into_iter());
    let (rows, telling) = connection
        .write(deadline, |statements| &statements.apply_one, &columns.parameters(), &changes)
        .await?;
    // An operation without a row stays unanswered, which reports its outcome as unknown.
    if let Some(reply) = rows.first().and_then(|row| write.answer(row)) {
        batch.answer(index, reply);
    }
    Ok(telling)
}

/// Which of the writes of a statement a row answers.
fn number(row: &Row) -> Option<usize> {
    usize::try_from(row.try_get::<_, i64>(0).ok()? - 1).ok()
}
