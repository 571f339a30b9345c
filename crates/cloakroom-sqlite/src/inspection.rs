//! What can be told of a file by looking at all of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::SqliteError;
use crate::file::{self, Settings};
use crate::schema;

/// How long a look waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// Findings of damage that are told.
const TOLD: u32 = 20;

/// What [`SqliteStore::inspect`](crate::SqliteStore::inspect) found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The version of the tables in the file.
    pub schema_version: u32,
    /// The version of SQLite that this program has in it.
    pub sqlite_version: &'static str,
    /// True if the file keeps a write-ahead log, as this crate sets it up.
    pub is_wal: bool,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes in the file that are free to be used again.
    pub free_bytes: u64,
    /// Bytes of the write-ahead log beside it.
    pub log_bytes: u64,
    /// The file's permission bits, where files have some; 0600 is what this crate gives.
    pub mode: Option<u32>,
    /// What SQLite found damaged, in its words; nothing if all is well.
    pub damage: Vec<String>,
}

impl Inspection {
    pub(crate) fn of(path: &Path) -> Result<Self, SqliteError> {
        let settings =
            Settings { path: path.to_owned(), durable: true, patience: PATIENCE, bound: None };
        let connection = file::connect_read_only(&settings)?;
        let schema_version = schema::version(&connection)?;
        let system = |error| SqliteError::system("look over", error);
        let metadata = fs::metadata(path).map_err(system)?;
        let log = fs::metadata(file::beside(path, "-wal")).map_or(0, |log| log.len());
        Self::read(&connection, schema_version, &metadata, log)
            .map_err(|error| SqliteError::engine("look over", error))
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
        let mut damage = Vec::new();
        connection.pragma(None, "integrity_check", TOLD, |row| {
            damage.push(row.get::<_, String>(0)?);
            Ok(())
        })?;
        damage.retain(|finding| finding != "ok");
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

/// A system without permission bits has none to tell.
fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    #[cfg(unix)]
    let mode = Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777);
    #[cfg(not(unix))]
    let mode = Some(metadata).and(None);
    mode
}
