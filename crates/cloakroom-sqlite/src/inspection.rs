//! A report on the file: version, size, permissions and damage.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use crate::error::SqliteError;
use crate::file::{self, Settings};
use crate::read_only::{self, ReadOnly};
use crate::schema;

/// The most damage reports that SQLite is asked for.
const MAX_DAMAGE: u32 = 20;

/// A report on a file: [`SqliteStore::inspect`](crate::SqliteStore::inspect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The schema version of the file.
    pub schema_version: u32,
    /// The version of the SQLite that is compiled into this program; see the
    /// [crate documentation](crate#next-to-other-crates-that-use-sqlite).
    pub sqlite_version: &'static str,
    /// Whether the file uses a write-ahead log, as this crate sets it up.
    pub is_wal: bool,
    /// The size of the file in bytes.
    pub file_bytes: u64,
    /// How many bytes of the file are free for reuse.
    pub free_bytes: u64,
    /// The size of the write-ahead log in bytes.
    pub log_bytes: u64,
    /// The permission bits of the file, on systems that have them; this crate sets 0600.
    pub mode: Option<u32>,
    /// The damage that SQLite's `integrity_check` reports; empty if there is none.
    pub damage: Vec<String>,
}

impl Inspection {
    pub(crate) fn of(path: &Path) -> Result<Self, SqliteError> {
        let ReadOnly { connection, is_immutable } =
            read_only::connect(&Settings::new(path.to_owned()))?;
        let schema_version = schema::version(&connection)?;
        let metadata = fs::metadata(path).map_err(|error| SqliteError::system("inspect", error))?;
        let log = fs::metadata(file::with_suffix(path, "-wal")).map_or(0, |log| log.len());
        let read = Self::read(&connection, schema_version, &metadata, log);
        let mut found = read.map_err(|error| SqliteError::engine("inspect", error))?;
        // SQLite does not tell of a file that it takes for immutable.
        found.is_wal |= is_immutable;
        Ok(found)
    }

    fn read(
        connection: &Connection,
        schema_version: u32,
        metadata: &fs::Metadata,
        log_bytes: u64,
    ) -> rusqlite::Result<Self> {
        let number = |pragma| {
            connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0)).map(u64::from)
        };
        let journal: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let damage = damage(connection)?;
        Ok(Self {
            schema_version,
            sqlite_version: rusqlite::version(),
            is_wal: journal == "wal",
            file_bytes: metadata.len(),
            free_bytes: number("freelist_count")? * number("page_size")?,
            log_bytes,
            mode: mode_of(metadata),
            damage,
        })
    }
}

/// What SQLite's `integrity_check` reports.
pub(crate) fn damage(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut damage = Vec::new();
    let checked = connection.pragma(None, "integrity_check", MAX_DAMAGE, |row| {
        damage.push(row.get::<_, String>(0)?);
        Ok(())
    });
    match checked {
        // Some damage stops the check itself.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            damage.push(error.to_string());
        }
        checked => checked?,
    }
    damage.retain(|finding| finding != "ok");
    Ok(damage)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no permission bits")]
fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777)
}

#[cfg(not(unix))]
const fn mode_of(_: &fs::Metadata) -> Option<u32> {
    None
}
