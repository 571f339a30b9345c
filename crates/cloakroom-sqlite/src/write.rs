//! Write operations. Every function here runs inside the writer's transaction.

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{Ended, IndexLogin, Inserted, Swap};
use cloakroom::stores::batch::{JoinWrites, Reply};
use cloakroom::{Principal, PublicId, Timestamp};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::principal_index;
use crate::read::{self, Outcome};
use crate::row::{self, Row, TombstoneRow, millis, revision_columns};

/// By how many milliseconds the column `expires` can be too early. A sweep decodes the record
/// before it removes a row.
const EXPIRES_SLACK: i64 = 60_000;

/// An operation that needs the write lock.
pub(crate) enum Write {
    Insert(Row),
    /// With the time of the call.
    Replace(Revision, Row, Timestamp),
    Touch(Revision, Timestamp),
    EndIf(Revision, Ending),
    End(Ending),
    IndexLogin(IndexLogin),
    RevokeBefore(Principal, Timestamp, Timestamp),
    Erase(Principal, Vec<PublicId>, Timestamp),
    Sweep(Timestamp, usize),
    /// Commits an empty transaction, to show that the file can be written.
    Health,
}

impl JoinWrites for Write {
    fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Replace(_, row, now), Self::Replace(expected, next, then))
                if revision_columns(expected) == (row.revision, row.token) =>
            {
                (*row, *now) = (next, then);
                None
            }
            (_, next) => Some(next),
        }
    }

    fn writes(&self, revision: Revision) -> bool {
        let Self::Replace(_, row, _) = self else { return false };
        revision_columns(revision) == (row.revision, row.token)
    }
}

/// Carries out one operation.
pub(crate) fn apply(connection: &Connection, id: PublicId, write: &Write) -> Outcome<Reply> {
    match write {
        Write::Insert(row) => done(insert(connection, id, row)),
        Write::Replace(expected, row, _) => outcome(replace(connection, id, *expected, row)),
        Write::Touch(expected, deadline) => outcome(touch(connection, id, *expected, *deadline)),
        Write::EndIf(expected, ending) => outcome(end_if(connection, id, *expected, *ending)),
        Write::End(ending) => outcome(end(connection, id, *ending)),
        Write::IndexLogin(login) => done(principal_index::index_login(connection, login)),
        Write::RevokeBefore(principal, before, until) => {
            done(principal_index::revoke_before(connection, principal, *before, *until))
        }
        Write::Erase(principal, ended, until) => {
            done(principal_index::erase(connection, principal, ended, *until))
        }
        Write::Sweep(now, limit) => done(sweep(connection, *now, *limit)),
        Write::Health => Ok(Ok(().into())),
    }
}

/// The reply to an operation that decodes a record.
fn outcome<T: Into<Reply>>(outcome: Outcome<T>) -> Outcome<Reply> {
    outcome.map(|answer| answer.map(Into::into))
}

/// The reply to an operation that decodes no record.
fn done<T: Into<Reply>>(answer: rusqlite::Result<T>) -> Outcome<Reply> {
    answer.map(|answer| Ok(answer.into()))
}

fn insert(connection: &Connection, id: PublicId, row: &Row) -> rusqlite::Result<Inserted> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO session
             (id, principal, created, signed_in, expires, revision, token, record, payload)
         VALUES
             (:id, :principal, :created, :signed_in, :expires, :revision, :token, :record, :payload)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let inserted = statement.execute(named_params! {
        ":id": id.as_bytes(),
        ":principal": row.principal.as_ref().map(Principal::as_str),
        ":created": row.created,
        ":signed_in": row.signed_in,
        ":expires": row.expires,
        ":revision": row.revision,
        ":token": row.token,
        ":record": row.head,
        ":payload": row.payload.as_deref(),
    })?;
    Ok(if inserted == 1 { Inserted::Done } else { Inserted::Taken })
}

fn replace(connection: &Connection, id: PublicId, expected: Revision, row: &Row) -> Outcome<Swap> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid, expires, revision, token FROM session WHERE id = ?1 AND ended IS NULL",
    )?;
    let live = statement
        .query_row([id.as_bytes()], |columns| {
            let (rowid, expires): (i64, i64) = (columns.get(0)?, columns.get(1)?);
            Ok((rowid, expires, (columns.get(2)?, columns.get(3)?)))
        })
        .optional()?;
    match live {
        Some((rowid, expires, found)) if found == revision_columns(expected) => {
            overwrite(connection, rowid, row, expires)?;
            Ok(Ok(Swap::Done))
        }
        Some(_) => stale(connection, id),
        None => Ok(Ok(Swap::Gone)),
    }
}

/// The answer to a write that lost the race: the current record.
fn stale(connection: &Connection, id: PublicId) -> Outcome<Swap> {
    Ok(read::get(connection, id)?.map(|stored| match stored {
        Some(Stored::Live(current)) => Swap::Stale(current),
        Some(Stored::Ended(_)) | None => Swap::Gone,
    }))
}

fn overwrite(connection: &Connection, rowid: i64, row: &Row, expires: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE session SET principal = ?2, signed_in = ?3, revision = ?4, token = ?5,
             record = ?6, payload = ?7
         WHERE rowid = ?1",
    )?;
    statement.execute(params![
        rowid,
        row.principal.as_ref().map(Principal::as_str),
        row.signed_in,
        row.revision,
        row.token,
        row.head,
        row.payload.as_deref(),
    ])?;
    // Otherwise every write would move the row in the index on `expires`, and write twice as much.
    if (expires..expires.saturating_add(EXPIRES_SLACK)).contains(&row.expires) {
        return Ok(());
    }
    set_expires(connection, rowid, row.expires)
}

fn set_expires(connection: &Connection, rowid: i64, expires: i64) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE session SET expires = ?2 WHERE rowid = ?1")?;
    statement.execute([rowid, expires]).map(drop)
}

fn touch(
    connection: &Connection,
    id: PublicId,
    expected: Revision,
    deadline: Timestamp,
) -> Outcome<bool> {
    let record = match read::head(connection, id)? {
        Ok(Some(Stored::Live(record))) if record.revision() == expected => record,
        Ok(_) => return Ok(Ok(false)),
        Err(error) => return Ok(Err(error)),
    };
    if record.idle_deadline() >= deadline {
        return Ok(Ok(false));
    }
    let record = record.with_idle_deadline(deadline);
    let (expires, head) = (millis(record.expires_at()), Stored::Live(record).to_head());
    let mut statement = connection
        .prepare_cached("UPDATE session SET expires = :expires, record = :record WHERE id = :id")?;
    statement
        .execute(named_params! { ":id": id.as_bytes(), ":expires": expires, ":record": head })?;
    Ok(Ok(true))
}

fn end_if(
    connection: &Connection,
    id: PublicId,
    expected: Revision,
    ending: Ending,
) -> Outcome<Swap> {
    match read::head(connection, id)? {
        Ok(Some(Stored::Live(record))) if record.revision() == expected => {
            write_tombstone(connection, id, &record, ending)?;
            Ok(Ok(Swap::Done))
        }
        Ok(_) => stale(connection, id),
        Err(error) => Ok(Err(error)),
    }
}

fn end(connection: &Connection, id: PublicId, ending: Ending) -> Outcome<Ended> {
    match read::head(connection, id)? {
        Ok(Some(Stored::Live(record))) => {
            write_tombstone(connection, id, &record, ending)?;
            Ok(Ok(Ended::Now))
        }
        Ok(Some(Stored::Ended(_))) => Ok(Ok(Ended::Already)),
        Ok(None) => Ok(Ok(Ended::Absent)),
        Err(error) => Ok(Err(error)),
    }
}

/// Replaces a live record with its tombstone.
fn write_tombstone(
    connection: &Connection,
    id: PublicId,
    record: &Record,
    ending: Ending,
) -> rusqlite::Result<()> {
    let tombstone = TombstoneRow::new(record.ended(ending));
    let mut statement = connection.prepare_cached(
        "UPDATE session
         SET expires = :expires, ended = :ended, reason = :reason, record = :record, payload = NULL
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": id.as_bytes(),
        ":expires": tombstone.expires,
        ":ended": tombstone.ended,
        ":reason": tombstone.reason,
        ":record": tombstone.head,
    })?;
    if let Some(principal) = record.principal() {
        principal_index::remove(connection, principal.as_str(), id)?;
    }
    Ok(())
}

/// Removes at most `limit` sessions that are expired at `now`, and at most `limit` expired rows of
/// the principal index each. Returns the number of sessions.
pub(crate) fn sweep(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<usize> {
    let mut swept = 0;
    while swept < limit {
        let (checked, removed) = sweep_some(connection, now, limit - swept)?;
        swept += removed;
        if checked == removed {
            break;
        }
    }
    principal_index::sweep(connection, now, limit)?;
    Ok(swept)
}

/// The columns `rowid`, `id`, `principal` and `record`.
type Candidate = (i64, [u8; 16], Option<String>, Vec<u8>);

/// Checks at most `limit` sessions whose column `expires` has passed, and returns how many there
/// were and how many were removed. The others get an exact `expires`, so that none is checked
/// twice.
fn sweep_some(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<(usize, usize)> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid, id, principal, record FROM session WHERE expires <= ?1
         ORDER BY expires LIMIT ?2",
    )?;
    let bounds = params![millis(now), i64::try_from(limit).unwrap_or(i64::MAX)];
    let candidates: Vec<Candidate> = statement
        .query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut removed = 0;
    let mut remove = connection.prepare_cached("DELETE FROM session WHERE rowid = ?1")?;
    for (rowid, id, principal, head) in &candidates {
        // Nothing else is known of an unreadable record.
        let expires = row::decode(head, None).map_or(now, |stored| stored.expires_at());
        if !expires.has_passed(now) {
            set_expires(connection, *rowid, millis(expires))?;
            continue;
        }
        remove.execute([rowid])?;
        removed += 1;
        if let Some(principal) = principal {
            principal_index::remove(connection, principal, PublicId::from_bytes(*id))?;
        }
    }
    Ok((candidates.len(), removed))
}
