//! Options for opening a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{SqliteError, SqliteErrorKind};
use crate::file::{self, Settings};
use crate::read_only;
use crate::schema;
use crate::store::SqliteStore;
use crate::watch::Watch;
use crate::writer::Writer;

/// Options for opening a [`SqliteStore`]; see [`SqliteStore::builder`].
///
/// ```
/// # use cloakroom_sqlite::SqliteStore;
/// # use std::time::Duration;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("sessions.db");
/// let store = SqliteStore::builder(path)
///     .max_bytes(4 << 30)
///     .timeout(Duration::from_secs(2))
///     .open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `open` is called"]
pub struct SqliteBuilder {
    settings: Settings,
    create_if_missing: bool,
    readers: usize,
}

impl SqliteBuilder {
    pub(crate) fn new(path: PathBuf) -> Self {
        // An absolute path cannot be mistaken for a `file:` URI, and survives a change of
        // directory.
        let path = match std::path::absolute(&path) {
            Ok(absolute) if is_path(&path) => absolute,
            _ => path,
        };
        Self { settings: Settings::new(path), create_if_missing: true, readers: 2 }
    }

    /// Whether to create the file if it does not exist; `true` by default.
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create_if_missing = create;
        self
    }

    /// Limits the size of the file to about `bytes` bytes; unlimited by default.
    ///
    /// At the limit the store removes expired rows. If that does not free enough space, a new
    /// session, or a write that makes one larger, fails with
    /// [`StoreErrorKind::Full`](cloakroom::store::StoreErrorKind::Full). The write-ahead log is not
    /// counted; it takes a few megabytes more.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_bytes = Some(bytes);
        self
    }

    /// Acknowledges a write before it is on the disk (`synchronous=NORMAL`).
    ///
    /// This makes a lone writer several times faster.
    ///
    /// # Security
    /// A loss of power can undo the last acknowledged writes: an ended session is live again, and a
    /// replaced key opens it. A crash of the process alone loses nothing.
    pub fn synchronous_normal(mut self) -> Self {
        self.settings.durable = false;
        self
    }

    /// How long a write waits for another process that holds the write lock; 5 seconds by default.
    ///
    /// The time that it waits behind other writes is counted. Once a write has waited for that
    /// long, those behind it fail too, and further ones fail at once until the lock is free.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How many threads read, each over a connection of its own; 2 by default, at least 1.
    pub fn readers(mut self, count: usize) -> Self {
        self.readers = count.max(1);
        self
    }

    /// Opens the file. Creates it if it is missing, and migrates it if an earlier version of this
    /// crate wrote it.
    ///
    /// Blocks while it waits for the disk and for other processes.
    ///
    /// # Errors
    /// [`SqliteError`], which names the file.
    pub fn open(self) -> Result<SqliteStore, SqliteError> {
        self.open_for_writing().map_err(|error| error.at(&self.settings.path))
    }

    /// Opens an existing file for reading only, for tools. Every write fails.
    ///
    /// A file in a directory that is read-only can be read, too: while another process uses it, or
    /// once it was closed. In between, such as after a crash, the file has a write-ahead log that
    /// can only be read in a directory that is writable.
    ///
    /// # Errors
    /// [`SqliteError`], which names the file.
    pub fn open_read_only(self) -> Result<SqliteStore, SqliteError> {
        self.open_for_reading().map_err(|error| error.at(&self.settings.path))
    }

    fn open_for_writing(&self) -> Result<SqliteStore, SqliteError> {
        self.check_path()?;
        if self.create_if_missing {
            file::create(&self.settings.path)?;
        }
        let mut writer = file::connect(&self.settings)?;
        // From here on: opening a file can change which one it is (a container's lower layer).
        let watch = Arc::new(Watch::new(self.settings.path.clone()));
        schema::migrate(&mut writer)?;
        // From now on the writer itself retries; see `file::retry_while_busy`.
        writer
            .busy_timeout(Duration::ZERO)
            .map_err(|error| SqliteError::engine("set up", error))?;
        let readers: Result<Vec<_>, _> =
            (0..self.readers).map(|_| file::connect_reader(&self.settings)).collect();
        let readers = readers?;
        watch.check("open")?;
        let writer = Writer::new(writer, self.settings.timeout, Arc::clone(&watch));
        SqliteStore::start(self.settings.path.clone(), watch, Some(writer), readers)
    }

    fn open_for_reading(&self) -> Result<SqliteStore, SqliteError> {
        self.check_path()?;
        let reader = read_only::connect(&self.settings)?.connection;
        match schema::version(&reader)? {
            schema::EMPTY => return Err(SqliteError::new(SqliteErrorKind::Empty, "read")),
            version if version < schema::NEWEST => {
                return Err(SqliteError::new(SqliteErrorKind::TooOld, "read"));
            }
            _ => {}
        }
        let watch = Arc::new(Watch::new(self.settings.path.clone()));
        SqliteStore::start(self.settings.path.clone(), watch, None, vec![reader])
    }

    fn check_path(&self) -> Result<(), SqliteError> {
        if is_path(&self.settings.path) {
            return Ok(());
        }
        Err(SqliteError::new(SqliteErrorKind::NotAPath, "open"))
    }
}

/// False for what other libraries take for a URL, or for a database in memory. `./:memory:` is a
/// path.
pub(crate) fn is_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let is_url = || ["file:", "sqlite:"].iter().any(|scheme| text.starts_with(scheme));
    path.is_absolute()
        || !(text.is_empty() || text == ":memory:" || is_url() || text.contains("://"))
}
