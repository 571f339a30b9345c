//! Connecting without changing anything, also where nothing can be changed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::{SqliteError, SqliteErrorKind};
use crate::file::{self, Settings};
use crate::schema;

/// A connection that changes nothing in the file, not even its journal mode.
pub(crate) struct ReadOnly {
    pub(crate) connection: Connection,
    /// Whether SQLite was told that no process writes the file. It knows nothing of the log then.
    pub(crate) is_immutable: bool,
}

/// Connects to a file that exists.
///
/// SQLite keeps an index of the write-ahead log in a file of its own, `-shm`, next to the log. If
/// it is not there and cannot be created, SQLite does not read the file at all, unless it is told
/// that no process writes it. That holds if there is no log: a process that has opened the file for
/// writing has both.
pub(crate) fn connect(settings: &Settings) -> Result<ReadOnly, SqliteError> {
    let is_unused = !exists(settings, "-shm");
    // SQLite would create an index that is as read-only as the file, and leave it there.
    if is_unused && file::metadata(settings)?.permissions().readonly() && !has_log(settings) {
        return connect_immutable(settings);
    }
    let connection = file::open(settings, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match schema::version(&connection) {
        Err(error) if is_unused && is_refusal(&error) => {}
        _ => return Ok(ReadOnly { connection, is_immutable: false }),
    }
    if has_log(settings) {
        return Err(SqliteError::new(SqliteErrorKind::LogUnreadable, "read"));
    }
    connect_immutable(settings)
}

fn connect_immutable(settings: &Settings) -> Result<ReadOnly, SqliteError> {
    let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = file::open_as(Path::new(&immutable(&settings.path)), settings, access)?;
    Ok(ReadOnly { connection, is_immutable: true })
}

fn has_log(settings: &Settings) -> bool {
    let log = fs::metadata(file::with_suffix(&settings.path, "-wal"));
    log.is_ok_and(|log| log.len() > 0)
}

fn is_refusal(error: &SqliteError) -> bool {
    matches!(error.kind(), SqliteErrorKind::Denied | SqliteErrorKind::ReadOnly)
}

fn exists(settings: &Settings, suffix: &str) -> bool {
    file::with_suffix(&settings.path, suffix).exists()
}

/// The URI of a file that no process writes.
fn immutable(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    // An absolute path of Windows starts with its drive.
    let mut uri = String::from(if bytes.starts_with(b"/") { "file://" } else { "file:///" });
    for byte in bytes {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b':' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_path_is_taken_for_one_of_the_uri() {
        let uri = immutable(Path::new("/a b%20c?immutable=0#d/\u{e9}:.db"));
        assert_eq!(uri, "file:///a%20b%2520c%3Fimmutable%3D0%23d/%C3%A9:.db?immutable=1");
    }
}
