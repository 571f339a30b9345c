//! Who is signed in where, inside the writer's transaction.

use cloakroom::store::{IndexEntry, IndexLogin, Indexed, judge_index_login};
use cloakroom::{Principal, PublicId, Timestamp};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::row::{millis, moment};

pub(crate) fn index_login(
    connection: &Connection,
    admission: &IndexLogin,
) -> rusqlite::Result<Indexed> {
    for seen in &admission.replacing {
        replace(connection, &admission.principal, *seen)?;
    }
    let admitted = judge(connection, admission)?;
    if admitted == Indexed::Done {
        enter(connection, admission)?;
    }
    Ok(admitted)
}

fn judge(connection: &Connection, admission: &IndexLogin) -> rusqlite::Result<Indexed> {
    let principal = admission.principal.as_str();
    let mut known =
        connection.prepare_cached("SELECT before FROM revocation WHERE principal = ?1")?;
    let watermark = known.query_row([principal], |row| row.get(0)).optional()?.map(moment);
    let mut own =
        connection.prepare_cached("SELECT 1 FROM admission WHERE principal = ?1 AND id = ?2")?;
    let is_entered = own.exists(params![principal, admission.id.as_bytes()])?;
    let others = match admission.limit {
        Some(_) if !is_entered => entries(connection, principal, admission.shown())?,
        _ => Vec::new(),
    };
    Ok(judge_index_login(admission, watermark, is_entered, others.into_iter()))
}

fn entries(
    connection: &Connection,
    principal: &str,
    most: usize,
) -> rusqlite::Result<Vec<IndexEntry>> {
    let mut statement = connection
        .prepare_cached("SELECT id, until FROM admission WHERE principal = ?1 LIMIT ?2")?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let entries = statement.query_map(params![principal, most], |row| {
        Ok(IndexEntry::new(PublicId::from_bytes(row.get(0)?), moment(row.get(1)?)))
    })?;
    entries.collect()
}

fn enter(connection: &Connection, admission: &IndexLogin) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO admission (principal, id, until) VALUES (:principal, :id, :until)
         ON CONFLICT (principal, id) DO UPDATE SET until = max(until, excluded.until)",
    )?;
    statement.execute(named_params! {
        ":principal": admission.principal.as_str(),
        ":id": admission.id.as_bytes(),
        ":until": millis(admission.until),
    })?;
    Ok(())
}

/// Takes an entry out unless it changed since it was seen.
fn replace(
    connection: &Connection,
    principal: &Principal,
    seen: IndexEntry,
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("DELETE FROM admission WHERE principal = ?1 AND id = ?2 AND until = ?3")?;
    statement.execute(params![principal.as_str(), seen.id.as_bytes(), millis(seen.until)]).map(drop)
}

/// Takes a session out of its principal's directory.
pub(crate) fn dismiss(
    connection: &Connection,
    principal: &str,
    id: PublicId,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("DELETE FROM admission WHERE principal = ?1 AND id = ?2")?;
    statement.execute(params![principal, id.as_bytes()]).map(drop)
}

pub(crate) fn revoke_before(
    connection: &Connection,
    principal: &Principal,
    before: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO revocation (principal, before, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (principal) DO UPDATE
         SET before = max(before, excluded.before), until = max(until, excluded.until)",
    )?;
    statement.execute(params![principal.as_str(), millis(before), millis(until)]).map(drop)
}

/// Removes what is past its time: at most `limit` entries and as many revocations.
pub(crate) fn sweep(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<()> {
    let bounds = params![millis(now), i64::try_from(limit).unwrap_or(i64::MAX)];
    let mut entries = connection.prepare_cached(
        "DELETE FROM admission WHERE (principal, id) IN
             (SELECT principal, id FROM admission WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    )?;
    entries.execute(bounds)?;
    let mut revocations = connection.prepare_cached(
        "DELETE FROM revocation WHERE principal IN
             (SELECT principal FROM revocation WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    )?;
    revocations.execute(bounds).map(drop)
}
