//! Operations on the principal index, scans and health checks: one statement each.

use std::sync::Arc;

use cloakroom::key::KindTag;
use cloakroom::store::{IndexEntry, IndexLogin, Indexed, Page, Scanned, StoreError};
use cloakroom::stores::batch::{Driver, Reply};
use cloakroom::{Principal, PublicId, Timestamp};
use tokio::time::Instant;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::column::{id, kind, kind_uuid, limit, millis, timestamp, uuid};
use crate::connection::{Connection, SendError};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::reader;

/// An operation that concerns no single session, and is not batched.
pub(crate) enum IndexOp {
    IndexLogin(IndexLogin),
    RevokeBefore(Principal, Timestamp, Timestamp),
    Erase(Principal, Vec<PublicId>, Timestamp),
    SessionsOf(Principal, Option<KindTag>, Page),
    Scan(Page),
    Health,
}

impl IndexOp {
    const fn is_read(&self) -> bool {
        matches!(self, Self::SessionsOf(..) | Self::Scan(_) | Self::Health)
    }
}

/// Carries out operations until the queue is closed and empty.
pub(crate) async fn run(driver: Driver<IndexOp, Reply>, connection: Arc<Connection>) {
    loop {
        connection.backoff_elapsed().await;
        let Some(mut batch) = driver.next(1, usize::MAX).await else { return };
        let (op, deadline) = (batch.op(0), connection.deadline_of(&batch));
        let mut result = execute(&connection, deadline, op).await;
        if result.as_ref().is_err_and(SendError::is_transient) {
            result = execute(&connection, deadline, op).await;
        }
        let reply = match result {
            Ok(reply) => reply,
            Err(error) if op.is_read() => Err(error.as_read_error()),
            Err(error) => Err(error.as_write_error()),
        };
        batch.answer(0, reply);
    }
}

/// The outer result is the connection's, the inner one the operation's.
async fn execute(
    connection: &Arc<Connection>,
    deadline: Instant,
    op: &IndexOp,
) -> Result<Result<Reply, StoreError>, SendError> {
    Ok(match op {
        IndexOp::IndexLogin(login) => {
            indexed(&index_login(connection, deadline, login).await?).map(Into::into)
        }
        IndexOp::RevokeBefore(principal, before, until) => {
            let (principal, before, until) = (principal.as_str(), millis(*before), millis(*until));
            connection
                .query(
                    deadline,
                    |statements| &statements.revoke_before,
                    &[&principal, &before, &until],
                )
                .await?;
            Ok(().into())
        }
        IndexOp::Erase(principal, ended, until) => {
            let ended: Vec<Uuid> = ended.iter().copied().map(uuid).collect();
            let (principal, until) = (principal.as_str(), millis(*until));
            connection
                .query(deadline, |statements| &statements.erase, &[&principal, &ended, &until])
                .await?;
            Ok(().into())
        }
        IndexOp::SessionsOf(principal, kind, page) => {
            let (principal, kind) = (principal.as_str(), kind.map(kind_uuid));
            let (after, max) = page_parameters(*page);
            let rows = connection
                .query(
                    deadline,
                    |statements| &statements.sessions_of,
                    &[&principal, &kind, &after, &max],
                )
                .await?;
            let ids: Result<Vec<PublicId>, _> =
                rows.iter().map(|row| row.try_get(0).map(id)).collect();
            ids.map(Into::into).map_err(unreadable)
        }
        IndexOp::Scan(page) => {
            let (after, max) = page_parameters(*page);
            let rows =
                connection.query(deadline, |statements| &statements.scan, &[&after, &max]).await?;
            let entries: Result<Vec<_>, StoreError> = rows.iter().map(reader::entry).collect();
            entries.map(|entries| Scanned::decoded_in_order(entries, *page).into())
        }
        IndexOp::Health => {
            let rows = connection.query(deadline, |statements| &statements.health, &[]).await?;
            if let Some(Ok(true)) = rows.first().map(|row| row.try_get(0)) {
                Ok(().into())
            } else {
                let error = PostgresError::new(PostgresErrorKind::NotReady, "use the server");
                Err(error.not_sent())
            }
        }
    })
}

async fn index_login(
    connection: &Arc<Connection>,
    deadline: Instant,
    login: &IndexLogin,
) -> Result<Vec<Row>, SendError> {
    let (replaced, replaced_until): (Vec<Uuid>, Vec<i64>) =
        login.replacing.iter().map(|entry| (uuid(entry.id), millis(entry.until))).unzip();
    connection
        .query(
            deadline,
            |statements| &statements.index_login,
            &[
                &login.principal.as_str(),
                &uuid(login.id),
                &kind_uuid(login.kind),
                &millis(login.until),
                &millis(login.authenticated_at),
                &login.limit.map(limit),
                &login.counted.map(kind_uuid),
                &limit(login.max_listed()),
                &replaced,
                &replaced_until,
                &login.now.map(millis),
            ],
        )
        .await
}

/// The id that the page starts after, and its limit.
fn page_parameters(page: Page) -> (Option<Uuid>, i64) {
    (page.starts_after().map(uuid), limit(page.limit()))
}

fn indexed(rows: &[Row]) -> Result<Indexed, StoreError> {
    let outcome =
        rows.first().map(|row| row.try_get::<_, i16>(0)).transpose().map_err(unreadable)?;
    match outcome {
        Some(1) => Ok(Indexed::Done),
        Some(2) => Ok(Indexed::Revoked),
        // With a limit of zero the index is full without any rows.
        _ => {
            let others: Result<Vec<IndexEntry>, _> = rows
                .iter()
                .map(|row| {
                    let (id, kind) = (id(row.try_get(1)?), kind(row.try_get(2)?));
                    Ok(IndexEntry::new(id, kind, timestamp(row.try_get(3)?)))
                })
                .collect();
            others.map(Indexed::Full).map_err(unreadable)
        }
    }
}

fn unreadable(error: tokio_postgres::Error) -> StoreError {
    PostgresError::caused(PostgresErrorKind::Other, "decode a reply", error).outcome_unknown()
}
