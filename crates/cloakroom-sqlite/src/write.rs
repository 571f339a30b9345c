//! What the writer does, inside its transaction.

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{Ended, IndexLogin, Inserted, Swap};
use cloakroom::stores::batch::Reply;
use cloakroom::{Principal, PublicId, Timestamp};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::directory;
use crate::read::{self, Outcome};
use crate::row::{self, Remains, Row, marks, millis};

/// Milliseconds by which a session may be noted as garbage too early; before it is swept its record is asked.
const EARLY: i64 = 60_000;

/// What the writer is asked.
pub(crate) enum Write {
    Insert(Row),
    Replace(Revision, Row),
    Touch(Revision, Timestamp),
    EndIf(Revision, Ending),
    End(Ending),
    Admit(IndexLogin),
    RevokeBefore(Principal, Timestamp, Timestamp),
    Sweep(Timestamp, usize),
    /// Nothing, but a turn at writing.
    Probe,
}

/// Carries one operation out.
pub(crate) fn apply(connection: &Connection, id: PublicId, write: &Write) -> Outcome<Reply> {
    match write {
        Write::Insert(row) => known(insert(connection, id, row)),
        Write::Replace(expected, row) => replied(replace(connection, id, *expected, row)),
        Write::Touch(expected, deadline) => replied(touch(connection, id, *expected, *deadline)),
        Write::EndIf(expected, ending) => replied(end_if(connection, id, *expected, *ending)),
        Write::End(ending) => replied(end(connection, id, *ending)),
        Write::Admit(admission) => known(directory::index_login(connection, admission)),
        Write::RevokeBefore(principal, before, until) => {
            known(directory::revoke_before(connection, principal, *before, *until))
        }
        Write::Sweep(now, limit) => known(sweep(connection, *now, *limit)),
        Write::Probe => Ok(Ok(().into())),
    }
}

/// An answer that the record had a say in.
fn replied<T: Into<Reply>>(outcome: Outcome<T>) -> Outcome<Reply> {
    outcome.map(|answer| answer.map(Into::into))
}

/// An answer that depends on no record.
fn known<T: Into<Reply>>(answer: rusqlite::Result<T>) -> Outcome<Reply> {
    answer.map(|answer| Ok(answer.into()))
}

fn insert(connection: &Connection, id: PublicId, row: &Row) -> rusqlite::Result<Inserted> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO session (id, principal, created, signed_in, expires, revision, token, record, payload)
         VALUES (:id, :principal, :created, :signed_in, :expires, :revision, :token, :record, :payload)
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
        Some((rowid, expires, found)) if found == marks(expected) => {
            overwrite(connection, rowid, row, expires)?;
            Ok(Ok(Swap::Done))
        }
        Some(_) => lost(connection, id),
        None => Ok(Ok(Swap::Gone)),
    }
}

/// What is answered to who came too late: what stands there now.
fn lost(connection: &Connection, id: PublicId) -> Outcome<Swap> {
    Ok(read::get(connection, id)?.map(|stored| match stored {
        Some(Stored::Live(current)) => Swap::Stale(current),
        Some(Stored::Ended(_)) | None => Swap::Gone,
    }))
}

fn overwrite(connection: &Connection, rowid: i64, row: &Row, noted: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE session SET principal = ?2, signed_in = ?3, revision = ?4, token = ?5, record = ?6, payload = ?7
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
    note(connection, rowid, row.expires, noted)
}

/// Notes when a session in use will be garbage, unless that is what is noted or not much later: it would otherwise move
/// through the index at every write, which doubled what goes to the disk.
fn note(connection: &Connection, rowid: i64, expires: i64, noted: i64) -> rusqlite::Result<()> {
    if (noted..noted.saturating_add(EARLY)).contains(&expires) {
        return Ok(());
    }
    note_exactly(connection, rowid, expires)
}

fn note_exactly(connection: &Connection, rowid: i64, expires: i64) -> rusqlite::Result<()> {
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
            bury(connection, id, &record, ending)?;
            Ok(Ok(Swap::Done))
        }
        Ok(_) => lost(connection, id),
        Err(error) => Ok(Err(error)),
    }
}

fn end(connection: &Connection, id: PublicId, ending: Ending) -> Outcome<Ended> {
    match read::head(connection, id)? {
        Ok(Some(Stored::Live(record))) => {
            bury(connection, id, &record, ending)?;
            Ok(Ok(Ended::Now))
        }
        Ok(Some(Stored::Ended(_))) => Ok(Ok(Ended::Already)),
        Ok(None) => Ok(Ok(Ended::Absent)),
        Err(error) => Ok(Err(error)),
    }
}

/// Puts a tombstone in the place of a live record.
fn bury(
    connection: &Connection,
    id: PublicId,
    record: &Record,
    ending: Ending,
) -> rusqlite::Result<()> {
    let remains = Remains::new(record.ended(ending));
    let mut statement = connection.prepare_cached(
        "UPDATE session
         SET expires = :expires, ended = :ended, reason = :reason, record = :record, payload = NULL
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": id.as_bytes(),
        ":expires": remains.expires,
        ":ended": remains.ended,
        ":reason": remains.reason,
        ":record": remains.head,
    })?;
    if let Some(principal) = record.principal() {
        directory::dismiss(connection, principal.as_str(), id)?;
    }
    Ok(())
}

/// Removes what is garbage at `now`: at most `limit` sessions and as many entries of the directory; how many sessions.
pub(crate) fn sweep(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<usize> {
    let mut swept = 0;
    while swept < limit {
        let (looked_at, removed) = sweep_some(connection, now, limit - swept)?;
        swept += removed;
        if looked_at == removed {
            break;
        }
    }
    directory::sweep(connection, now, limit)?;
    Ok(swept)
}

/// Row, id, principal and record of a session that is noted as garbage.
type Noted = (i64, [u8; 16], Option<String>, Vec<u8>);

/// Looks at the sessions that are noted as garbage, at most `limit`; how many there were, and how many of them went. The
/// others are noted anew, so that none is looked at twice.
fn sweep_some(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<(usize, usize)> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid, id, principal, record FROM session WHERE expires <= ?1 ORDER BY expires LIMIT ?2",
    )?;
    let bounds = params![millis(now), i64::try_from(limit).unwrap_or(i64::MAX)];
    let noted: Vec<Noted> = statement
        .query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut removed = 0;
    let mut remove = connection.prepare_cached("DELETE FROM session WHERE rowid = ?1")?;
    for (rowid, id, principal, head) in &noted {
        // Of a record that can't be read nothing else is known.
        let expires = row::read(head, None).map_or(now, |stored| stored.expires_at());
        if !expires.has_passed(now) {
            note_exactly(connection, *rowid, millis(expires))?;
            continue;
        }
        remove.execute([rowid])?;
        removed += 1;
        if let Some(principal) = principal {
            directory::dismiss(connection, principal, PublicId::from_bytes(*id))?;
        }
    }
    Ok((noted.len(), removed))
}
