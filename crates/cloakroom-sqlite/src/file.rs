//! The file, and connections to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use crate::error::{SqliteError, SqliteErrorKind};
use crate::schema;

/// How a connection is to be set up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) durable: bool,
    pub(crate) patience: Duration,
    /// The most bytes that the file may take.
    pub(crate) bound: Option<u64>,
}

/// The log is cut back to this many bytes once it was written into the file.
const LOG_KEPT: u32 = 16 << 20;
/// Statements that each connection keeps prepared.
const STATEMENTS: usize = 32;

/// Makes an empty file that only its owner can read, unless there is one.
///
/// The file gets its name when nobody in this process has it open any more: to close a file gives up all of a process's
/// POSIX locks on it, those of a connection that another thread may have opened meanwhile too. For the same reason
/// nothing here ever opens a file that has a name, but SQLite.
pub(crate) fn create(path: &Path) -> Result<(), SqliteError> {
    if path.exists() {
        return Ok(());
    }
    match create_private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map_err(|error| SqliteError::system("create", error)),
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    let directory = directory_of(path);
    // Mode 0600 where files have modes, and closed before it is called as it should be.
    let nameless = tempfile::NamedTempFile::new_in(directory)?.into_temp_path();
    nameless.persist_noclobber(path).map_err(|error| error.error)?;
    // A file whose name is not on the disk yet is lost with the power, whatever it held.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A file called as `path`, with something behind.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A connection that may write.
pub(crate) fn connect(settings: &Settings) -> Result<Connection, SqliteError> {
    let connection = open(settings, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let engine = |error| SqliteError::engine("set up", error);
    // Nothing is changed in a file that is not ours.
    schema::version(&connection)?;
    into_wal(&connection, settings.patience)?;
    let synchronous = if settings.durable { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous).map_err(engine)?;
    // On macOS fsync leaves the data in the drive's own memory; elsewhere these two change nothing.
    connection.pragma_update(None, "fullfsync", settings.durable).map_err(engine)?;
    connection.pragma_update(None, "checkpoint_fullfsync", settings.durable).map_err(engine)?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT).map_err(engine)?;
    if let Some(bytes) = settings.bound {
        bound(&connection, bytes).map_err(engine)?;
    }
    Ok(connection)
}

/// A connection that only reads, to a file that is in use.
pub(crate) fn connect_reader(settings: &Settings) -> Result<Connection, SqliteError> {
    let connection = connect(settings)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| SqliteError::engine("set up", error))?;
    Ok(connection)
}

/// A connection that changes nothing in the file, not even its form.
pub(crate) fn connect_read_only(settings: &Settings) -> Result<Connection, SqliteError> {
    open(settings, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open(settings: &Settings, access: OpenFlags) -> Result<Connection, SqliteError> {
    // SQLite says "unable to open" to whatever the reason is.
    fs::metadata(&settings.path).map_err(|error| SqliteError::system("open", error))?;
    let engine = |error| SqliteError::engine("open", error);
    let connection =
        Connection::open_with_flags(&settings.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(engine)?;
    // It opens a file for reading that it can't write.
    if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE)
        && connection.is_readonly(MAIN_DB).map_err(engine)?
    {
        return Err(SqliteError::new(SqliteErrorKind::ReadOnly, "write"));
    }
    connection.busy_timeout(settings.patience).map_err(engine)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // What is in the file must not run more than it is asked for.
    connection.pragma_update(None, "trusted_schema", false).map_err(engine)?;
    Ok(connection)
}

/// Switches the file to a write-ahead log, which lasts; several processes may be about to.
fn into_wal(connection: &Connection, patience: Duration) -> Result<(), SqliteError> {
    // It does not wait by itself here, lest two that switch wait for each other.
    let mode: rusqlite::Result<String> = patiently(patience, || {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
    });
    match mode {
        Ok(mode) if mode == "wal" => Ok(()),
        // SQLite says so by keeping the old mode where shared memory can't be had.
        Ok(_) => Err(SqliteError::new(SqliteErrorKind::Other, "keep a write-ahead log beside")),
        Err(error) => Err(SqliteError::engine("set up", error)),
    }
}

/// Tries again while another process holds the lock, for so long.
///
/// SQLite's own waiting looks ever more rarely, and whoever writes without a pause goes on writing for seconds. This looks
/// often enough to find the moment between two transactions.
pub(crate) fn patiently<T>(
    patience: Duration,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    const PAUSE: Duration = Duration::from_micros(250);
    let mut waited = Duration::ZERO;
    loop {
        match attempt() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && waited < patience =>
            {
                pause(PAUSE);
                waited += PAUSE;
            }
            done => return done,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the lock of another process gives no other sign of being free"
)]
fn pause(span: Duration) {
    std::thread::sleep(span);
}

fn bound(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = u32::try_from(bytes / u64::from(page.max(1))).unwrap_or(u32::MAX - 1).max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_waits_for_the_disk_unless_told_otherwise() {
        /// As SQLite numbers them.
        const NORMAL_AND_FULL: [u8; 2] = [1, 2];
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.db");
        create(&path).unwrap();
        for (durable, synchronous) in [false, true].into_iter().zip(NORMAL_AND_FULL) {
            let settings =
                Settings { path: path.clone(), durable, patience: Duration::ZERO, bound: None };
            // Whichever is closed last writes the log into the file.
            for connection in [connect(&settings).unwrap(), connect_reader(&settings).unwrap()] {
                let asked = |pragma| {
                    connection.pragma_query_value(None, pragma, |row| row.get::<_, u8>(0)).unwrap()
                };
                assert_eq!(asked("synchronous"), synchronous);
                assert_eq!(asked("fullfsync"), u8::from(durable));
                assert_eq!(asked("checkpoint_fullfsync"), u8::from(durable));
            }
        }
    }
}
