//! What the file holds, and how an older one is brought up to date.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{SqliteError, SqliteErrorKind};

/// The version that this code reads and writes.
pub(crate) const NEWEST: u32 = 2;

/// Each brings the file from one version to the next. Never changed once released; later ones are added.
const MIGRATIONS: [&str; NEWEST as usize] =
    [include_str!("schema/0001_sessions.sql"), include_str!("schema/0002_revocations.sql")];

/// "clrm": marks the file as ours, in its header.
const APPLICATION_ID: i32 = 0x636C_726D;

/// The file's version; 0 for an empty file.
pub(crate) fn version(connection: &Connection) -> Result<u32, SqliteError> {
    let (ours, version, objects) =
        read_header(connection).map_err(|error| SqliteError::engine("read", error))?;
    if objects > 0 && !ours {
        return Err(SqliteError::new(SqliteErrorKind::Foreign, "use"));
    }
    match u32::try_from(version) {
        Ok(version) if version <= NEWEST => Ok(version),
        _ => Err(SqliteError::new(SqliteErrorKind::TooNew, "use")),
    }
}

/// All of one moment, as another process may be migrating: within a transaction, which the caller may be in already.
fn read_header(connection: &Connection) -> rusqlite::Result<(bool, i64, i64)> {
    let _moment =
        if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None };
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((id == APPLICATION_ID, version, objects))
}

/// Brings the file up to date. Of several processes that start at once, one does it and the others find it done.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), SqliteError> {
    if version(connection)? == NEWEST {
        return Ok(());
    }
    let engine = |error| SqliteError::engine("bring up to date", error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(engine)?;
    let done = version(&transaction)?;
    for (_, migration) in (0..).zip(MIGRATIONS).filter(|(number, _)| *number >= done) {
        transaction.execute_batch(migration).map_err(engine)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(engine)?;
    transaction.pragma_update(None, "user_version", NEWEST).map_err(engine)?;
    transaction.commit().map_err(engine)
}
