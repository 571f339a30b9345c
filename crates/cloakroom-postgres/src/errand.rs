//! What is asked seldom: directories and lists. Each is one statement.

use std::sync::Arc;

use cloakroom::store::{IndexEntry, IndexLogin, Indexed, Page, Scanned, StoreError};
use cloakroom::stores::batch::{Driver, Reply};
use cloakroom::{Principal, PublicId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::column::{id, limit, millis, moment, uuid};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::link::{Broken, Link};
use crate::reader;

/// What is asked.
pub(crate) enum Errand {
    Admit(IndexLogin),
    RevokeBefore(Principal, Timestamp, Timestamp),
    SessionsOf(Principal, Page),
    Scan(Page),
    Probe,
}

impl Errand {
    const fn is_read(&self) -> bool {
        matches!(self, Self::SessionsOf(..) | Self::Scan(_) | Self::Probe)
    }
}

/// Works until nobody is left to ask.
pub(crate) async fn run(driver: Driver<Errand, Reply>, link: Arc<Link>) {
    loop {
        link.rested().await;
        let Some(mut batch) = driver.next(1, usize::MAX).await else { return };
        let mut said = go(&link, batch.op(0)).await;
        if matches!(&said, Err(Broken::NotSent(error)) if error.is_passing()) {
            said = go(&link, batch.op(0)).await;
        }
        let reply = match said {
            Ok(reply) => reply,
            Err(broken) if batch.op(0).is_read() => Err(broken.of_read()),
            Err(broken) => Err(broken.of_write()),
        };
        batch.answer(0, reply);
    }
}

/// The outer result is the server's, the inner the operation's own.
async fn go(link: &Link, errand: &Errand) -> Result<Result<Reply, StoreError>, Broken> {
    Ok(match errand {
        Errand::Admit(admission) => admitted(&index_login(link, admission).await?).map(Into::into),
        Errand::RevokeBefore(principal, before, until) => {
            let bounds = (millis(*before), millis(*until));
            link.ask(|words| &words.revoke, &[&principal.as_str(), &bounds.0, &bounds.1]).await?;
            Ok(().into())
        }
        Errand::SessionsOf(principal, page) => {
            let (after, most) = bounds_of(*page);
            let rows = link.ask(|words| &words.ids, &[&principal.as_str(), &after, &most]).await?;
            let ids: Result<Vec<PublicId>, _> =
                rows.iter().map(|row| row.try_get(0).map(id)).collect();
            ids.map(Into::into).map_err(unreadable)
        }
        Errand::Scan(page) => {
            let (after, most) = bounds_of(*page);
            let rows = link.ask(|words| &words.scan, &[&after, &most]).await?;
            let entries: Result<Vec<_>, StoreError> = rows.iter().map(reader::entry).collect();
            entries.map(|entries| Scanned::decoded_in_order(entries, *page).into())
        }
        Errand::Probe => {
            match link.ask(|words| &words.probe, &[]).await?.first().map(|row| row.try_get(0)) {
                Some(Ok(true)) => Ok(().into()),
                _ => {
                    Err(PostgresError::new(PostgresErrorKind::NotReady, "use the server")
                        .not_sent())
                }
            }
        }
    })
}

async fn index_login(link: &Link, admission: &IndexLogin) -> Result<Vec<Row>, Broken> {
    let (seen, seen_until): (Vec<Uuid>, Vec<i64>) =
        admission.replacing.iter().map(|seen| (uuid(seen.id), millis(seen.until))).unzip();
    link.ask(
        |words| &words.admit,
        &[
            &admission.principal.as_str(),
            &uuid(admission.id),
            &millis(admission.until),
            &millis(admission.authenticated_at),
            &admission.limit.map(limit),
            &limit(admission.shown()),
            &seen,
            &seen_until,
        ],
    )
    .await
}

fn bounds_of(page: Page) -> (Option<Uuid>, i64) {
    (page.starts_after().map(uuid), limit(page.limit()))
}

fn admitted(rows: &[Row]) -> Result<Indexed, StoreError> {
    let standing =
        rows.first().map(|row| row.try_get::<_, i16>(0)).transpose().map_err(unreadable)?;
    match standing {
        Some(1) => Ok(Indexed::Done),
        Some(2) => Ok(Indexed::Revoked),
        // Full, even of nobody, where nobody may be.
        _ => {
            let others: Result<Vec<IndexEntry>, _> = rows
                .iter()
                .map(|row| Ok(IndexEntry::new(id(row.try_get(1)?), moment(row.try_get(2)?))))
                .collect();
            others.map(Indexed::Full).map_err(unreadable)
        }
    }
}

fn unreadable(error: tokio_postgres::Error) -> StoreError {
    PostgresError::caused(PostgresErrorKind::Other, "understand an answer", error).outcome_unknown()
}
