//! The principal index. Every function here runs inside the writer's transaction.

use cloakroom::key::KindTag;
use cloakroom::protocol::judge_index_login;
use cloakroom::store::{IndexEntry, IndexLogin, Indexed};
use cloakroom::{Principal, PublicId, Timestamp};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::row::{millis, timestamp};

pub(crate) fn index_login(
    connection: &Connection,
    login: &IndexLogin,
) -> rusqlite::Result<Indexed> {
    for seen in &login.replacing {
        remove_unchanged(connection, &login.principal, *seen)?;
    }
    let indexed = judge(connection, login)?;
    if indexed == Indexed::Done {
        insert(connection, login)?;
    }
    Ok(indexed)
}

fn judge(connection: &Connection, login: &IndexLogin) -> rusqlite::Result<Indexed> {
    let principal = login.principal.as_str();
    let mut revocation =
        connection.prepare_cached("SELECT before FROM revocation WHERE principal = ?1")?;
    let watermark = revocation.query_row([principal], |row| row.get(0)).optional()?.map(timestamp);
    let mut own = connection
        .prepare_cached("SELECT 1 FROM sessions_by_principal WHERE principal = ?1 AND id = ?2")?;
    let is_indexed = own.exists(params![principal, login.id.as_bytes()])?;
    let others = match login.limit {
        Some(_) if !is_indexed => counted(connection, login)?,
        _ => Vec::new(),
    };
    Ok(judge_index_login(login, watermark, is_indexed, others.into_iter()))
}

/// The entries that count against the limit.
fn counted(connection: &Connection, login: &IndexLogin) -> rusqlite::Result<Vec<IndexEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, kind, until FROM sessions_by_principal
         WHERE principal = ?1 AND (?2 IS NULL OR kind = ?2) LIMIT ?3",
    )?;
    let limit = i64::try_from(login.max_listed()).unwrap_or(i64::MAX);
    let counted = login.counted.as_ref().map(KindTag::as_bytes);
    let entries =
        statement.query_map(params![login.principal.as_str(), counted, limit], |row| {
            let (id, kind) = (PublicId::from_bytes(row.get(0)?), KindTag::from_bytes(row.get(1)?));
            Ok(IndexEntry::new(id, kind, timestamp(row.get(2)?)))
        })?;
    entries.collect()
}

fn insert(connection: &Connection, login: &IndexLogin) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO sessions_by_principal (principal, id, kind, until)
         VALUES (:principal, :id, :kind, :until)
         ON CONFLICT (principal, id) DO UPDATE SET until = max(until, excluded.until)",
    )?;
    statement.execute(named_params! {
        ":principal": login.principal.as_str(),
        ":id": login.id.as_bytes(),
        ":kind": login.kind.as_bytes(),
        ":until": millis(login.until),
    })?;
    Ok(())
}

/// Removes an entry unless its deadline changed since it was read.
fn remove_unchanged(
    connection: &Connection,
    principal: &Principal,
    seen: IndexEntry,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM sessions_by_principal WHERE principal = ?1 AND id = ?2 AND until = ?3",
    )?;
    statement.execute(params![principal.as_str(), seen.id.as_bytes(), millis(seen.until)]).map(drop)
}

/// Removes a session from the index of its principal.
pub(crate) fn remove(
    connection: &Connection,
    principal: &str,
    id: PublicId,
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("DELETE FROM sessions_by_principal WHERE principal = ?1 AND id = ?2")?;
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

/// Removes these sessions from the index of their principal, and the revocation at `until`.
pub(crate) fn erase(
    connection: &Connection,
    principal: &Principal,
    ended: &[PublicId],
    until: Timestamp,
) -> rusqlite::Result<()> {
    for id in ended {
        remove(connection, principal.as_str(), *id)?;
    }
    let mut statement = connection
        .prepare_cached("UPDATE revocation SET until = min(until, ?2) WHERE principal = ?1")?;
    statement.execute(params![principal.as_str(), millis(until)]).map(drop)
}

/// Removes expired rows: at most `limit` entries and `limit` revocations.
pub(crate) fn sweep(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<()> {
    let bounds = params![millis(now), i64::try_from(limit).unwrap_or(i64::MAX)];
    let mut entries = connection.prepare_cached(
        "DELETE FROM sessions_by_principal WHERE (principal, id) IN
             (SELECT principal, id FROM sessions_by_principal WHERE until <= ?1
              ORDER BY until LIMIT ?2)",
    )?;
    entries.execute(bounds)?;
    let mut revocations = connection.prepare_cached(
        "DELETE FROM revocation WHERE principal IN
             (SELECT principal FROM revocation WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    )?;
    revocations.execute(bounds).map(drop)
}
