//! Creating the file and connecting to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use crate::error::{SqliteError, SqliteErrorKind};
use crate::schema;

/// How to set up a connection.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    /// Whether a write is on the disk before it is acknowledged.
    pub(crate) durable: bool,
    /// How long to wait for a lock of another process.
    pub(crate) timeout: Duration,
    /// The size limit of the file.
    pub(crate) max_bytes: Option<u64>,
}

impl Settings {
    /// The defaults: durable, five seconds, no limit.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, durable: true, timeout: Duration::from_secs(5), max_bytes: None }
    }
}

/// After a checkpoint the log is truncated to this many bytes.
const MAX_LOG_BYTES: u32 = 16 << 20;
/// How many prepared statements each connection caches.
const MAX_STATEMENTS: usize = 32;

/// Creates an empty file with mode 0600, unless the file exists.
///
/// The file is renamed to its final path only after its descriptor is closed: closing any
/// descriptor of a file releases all POSIX locks that the process holds on it, including those of a
/// connection that another thread has just opened. For the same reason only SQLite opens the file
/// at its final path.
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
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // `tempfile` sets mode 0600; `into_temp_path` closes the descriptor.
    let temporary = tempfile::NamedTempFile::new_in(directory)?.into_temp_path();
    temporary.persist_noclobber(path).map_err(|error| error.error)?;
    // Without this fsync a loss of power can lose the file's name, and with it the file.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// `path` with `suffix` appended to the file name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A connection that can write.
pub(crate) fn connect(settings: &Settings) -> Result<Connection, SqliteError> {
    let connection = open(settings, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Checked first, so that a foreign file is left unchanged.
    schema::version(&connection)?;
    set_up(connection, settings)
}

/// A connection that replaces what is in the file, which may be damaged.
pub(crate) fn connect_to_restore(settings: &Settings) -> Result<Connection, SqliteError> {
    let connection = open(settings, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    match schema::version(&connection) {
        Err(error) if error.kind() != SqliteErrorKind::Corrupt => Err(error),
        Ok(_) | Err(_) => set_up(connection, settings),
    }
}

fn set_up(connection: Connection, settings: &Settings) -> Result<Connection, SqliteError> {
    let engine = |error| SqliteError::engine("set up", error);
    enable_wal(&connection, settings.timeout)?;
    let synchronous = if settings.durable { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous).map_err(engine)?;
    // On macOS a plain fsync leaves data in the drive's cache. Elsewhere these two have no effect.
    connection.pragma_update(None, "fullfsync", settings.durable).map_err(engine)?;
    connection.pragma_update(None, "checkpoint_fullfsync", settings.durable).map_err(engine)?;
    connection.pragma_update(None, "journal_size_limit", MAX_LOG_BYTES).map_err(engine)?;
    if let Some(bytes) = settings.max_bytes {
        limit_size(&connection, bytes).map_err(engine)?;
    }
    Ok(connection)
}

/// A connection of a reader thread.
pub(crate) fn connect_reader(settings: &Settings) -> Result<Connection, SqliteError> {
    let connection = connect(settings)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| SqliteError::engine("set up", error))?;
    Ok(connection)
}

/// What the system knows of the file. SQLite reports "unable to open" or "disk I/O error" whatever
/// the reason.
pub(crate) fn metadata(settings: &Settings) -> Result<fs::Metadata, SqliteError> {
    let found = fs::metadata(&settings.path).map_err(|error| SqliteError::system("open", error))?;
    if found.is_file() {
        Ok(found)
    } else {
        Err(SqliteError::new(SqliteErrorKind::NotAFile, "open"))
    }
}

/// Opens the file by its path.
pub(crate) fn open(settings: &Settings, access: OpenFlags) -> Result<Connection, SqliteError> {
    metadata(settings)?;
    open_as(&settings.path, settings, access)
}

/// Opens the file by `name`: its path, or with [`OpenFlags::SQLITE_OPEN_URI`] its URI.
pub(crate) fn open_as(
    name: &Path,
    settings: &Settings,
    access: OpenFlags,
) -> Result<Connection, SqliteError> {
    let engine = |error| SqliteError::engine("open", error);
    let connection = Connection::open_with_flags(name, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(engine)?;
    // SQLite falls back to read-only access if the file cannot be written.
    if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE)
        && connection.is_readonly(MAIN_DB).map_err(engine)?
    {
        return Err(SqliteError::new(SqliteErrorKind::ReadOnly, "write"));
    }
    connection.busy_timeout(settings.timeout).map_err(engine)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    // Views and triggers in the file must not call functions with side effects.
    connection.pragma_update(None, "trusted_schema", false).map_err(engine)?;
    Ok(connection)
}

/// Switches the file to a write-ahead log. The setting is stored in the file.
fn enable_wal(connection: &Connection, timeout: Duration) -> Result<(), SqliteError> {
    // SQLite does not call its busy handler here, since two processes could deadlock.
    let mode: rusqlite::Result<String> = retry_while_busy(now() + timeout, || {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
    });
    match mode {
        Ok(mode) if mode == "wal" => Ok(()),
        // SQLite keeps the old mode if shared memory is not available.
        Ok(_) => Err(SqliteError::new(SqliteErrorKind::Other, "keep a write-ahead log for")),
        Err(error) => Err(SqliteError::engine("set up", error)),
    }
}

/// Retries `attempt` while another process holds the lock, until `deadline`; tries at least once.
///
/// SQLite's own busy handler polls ever more rarely, and starves while another process writes
/// without a pause. This polls often enough to hit the gap between two transactions.
pub(crate) fn retry_while_busy<T>(
    deadline: Instant,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    loop {
        match attempt() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && now() < deadline =>
            {
                pause();
            }
            done => return done,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "SQLite does not notify when another process releases its lock"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_micros(250));
}

#[expect(clippy::disallowed_methods, reason = "how long a call waits, not a session's age")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn limit_size(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = u32::try_from(bytes / u64::from(page.max(1))).unwrap_or(u32::MAX - 1).max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_waits_for_the_disk_by_default() {
        /// SQLite's numbers for them.
        const NORMAL_AND_FULL: [u8; 2] = [1, 2];
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.db");
        create(&path).unwrap();
        for (durable, synchronous) in [false, true].into_iter().zip(NORMAL_AND_FULL) {
            let settings =
                Settings { durable, timeout: Duration::ZERO, ..Settings::new(path.clone()) };
            // Readers too: the connection that is closed last runs the checkpoint.
            for connection in [connect(&settings).unwrap(), connect_reader(&settings).unwrap()] {
                let value = |pragma| {
                    connection.pragma_query_value(None, pragma, |row| row.get::<_, u8>(0)).unwrap()
                };
                assert_eq!(value("synchronous"), synchronous);
                assert_eq!(value("fullfsync"), u8::from(durable));
                assert_eq!(value("checkpoint_fullfsync"), u8::from(durable));
            }
        }
    }
}
