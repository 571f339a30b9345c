//! The schema of the file, and its migrations.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{SqliteError, SqliteErrorKind};

/// The schema version of a file without tables.
pub(crate) const EMPTY: u32 = 0;

/// The schema version that this code reads and writes.
pub(crate) const NEWEST: u32 = 1;

/// Each migration leads from one version to the next. A released migration never changes.
const MIGRATIONS: [&str; NEWEST as usize] = [include_str!("schema/0001_sessions.sql")];

/// SQLite's `application_id` for our files: "clrm".
const APPLICATION_ID: i32 = 0x636C_726D;

/// The schema version of the file; [`EMPTY`] if it has no tables.
pub(crate) fn version(connection: &Connection) -> Result<u32, SqliteError> {
    let (is_ours, version, objects) =
        read_header(connection).map_err(|error| SqliteError::engine("read", error))?;
    if objects > 0 && !is_ours {
        return Err(SqliteError::new(SqliteErrorKind::Foreign, "use"));
    }
    match u32::try_from(version) {
        Ok(version) if version <= NEWEST => Ok(version),
        _ => Err(SqliteError::new(SqliteErrorKind::TooNew, "use")),
    }
}

/// Reads application id, version and object count in one transaction: another process can be
/// migrating the file. Uses the caller's transaction if there is one.
fn read_header(connection: &Connection) -> rusqlite::Result<(bool, i64, i64)> {
    let _transaction =
        if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None };
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((id == APPLICATION_ID, version, objects))
}

/// Migrates the file to the newest version. If several processes start at once, one of them does
/// it.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), SqliteError> {
    if version(connection)? == NEWEST {
        return Ok(());
    }
    let engine = |error| SqliteError::engine("migrate", error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(engine)?;
    let current = version(&transaction)?;
    for (_, migration) in (0..).zip(MIGRATIONS).filter(|(number, _)| *number >= current) {
        transaction.execute_batch(migration).map_err(engine)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(engine)?;
    transaction.pragma_update(None, "user_version", NEWEST).map_err(engine)?;
    transaction.commit().map_err(engine)
}
