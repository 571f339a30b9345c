//! How a file is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{SqliteError, SqliteErrorKind};
use crate::file::{self, Settings};
use crate::schema;
use crate::store::SqliteStore;
use crate::writer::Writer;

/// How a file is opened: [`SqliteStore::builder`].
///
/// ```
/// # use cloakroom_sqlite::SqliteStore;
/// # use std::time::Duration;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("sessions.db");
/// let store = SqliteStore::builder(path)
///     .bounded(4 << 30) // bytes
///     .timeout(Duration::from_secs(2))
///     .open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` is called"]
pub struct SqliteBuilder {
    settings: Settings,
    creates: bool,
    readers: usize,
}

impl SqliteBuilder {
    pub(crate) fn new(path: PathBuf) -> Self {
        // SQLite takes a name that begins with `file:` for a URI, which may say "in memory"; and processes change directories.
        let path = std::path::absolute(&path).unwrap_or(path);
        let settings =
            Settings { path, durable: true, patience: Duration::from_secs(5), bound: None };
        Self { settings, creates: true, readers: 2 }
    }

    /// Refuses a file that does not exist instead of creating it.
    pub fn existing(mut self) -> Self {
        self.creates = false;
        self
    }

    /// Lets the file grow to about `bytes` bytes; a new session, or a write that grows one, is refused at the bound with
    /// [`StoreErrorKind::Full`](cloakroom::store::StoreErrorKind::Full), once what has expired was removed.
    ///
    /// The write-ahead log beside the file comes to a few megabytes more.
    pub fn bounded(mut self, bytes: u64) -> Self {
        self.settings.bound = Some(bytes);
        self
    }

    /// Answers a write before it is on the disk (`synchronous=NORMAL`): several times faster for a lone writer.
    ///
    /// # Security
    /// A loss of power may undo what was answered in the last moments: a session that was ended lives again, and a key
    /// that was replaced opens it. The end of the process alone loses nothing.
    pub fn synchronous_normal(mut self) -> Self {
        self.settings.durable = false;
        self
    }

    /// Waits up to `span` for another process that is writing; five seconds unless told.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.settings.patience = span;
        self
    }

    /// Reads on `count` threads, each with a connection of its own; two unless told, one at least.
    pub fn readers(mut self, count: usize) -> Self {
        self.readers = count.max(1);
        self
    }

    /// Opens the file: creates it where there is none, and brings an older one up to date.
    ///
    /// Blocks for as long as the disk and other processes need.
    ///
    /// # Errors
    /// [`SqliteError`], naming the file.
    pub fn open(self) -> Result<SqliteStore, SqliteError> {
        self.open_for_writing().map_err(|error| error.at(&self.settings.path))
    }

    /// Opens a file that exists and changes nothing in it: for tools. All writes are refused.
    ///
    /// # Errors
    /// [`SqliteError`], naming the file.
    pub fn open_read_only(self) -> Result<SqliteStore, SqliteError> {
        self.open_for_reading().map_err(|error| error.at(&self.settings.path))
    }

    fn open_for_writing(&self) -> Result<SqliteStore, SqliteError> {
        if self.creates {
            file::create(&self.settings.path)?;
        }
        let mut writer = file::connect(&self.settings)?;
        schema::migrate(&mut writer)?;
        // It waits in its own way from now on.
        let with_timeout = writer.busy_timeout(Duration::ZERO);
        with_timeout.map_err(|error| SqliteError::engine("set up", error))?;
        let readers: Result<Vec<_>, _> =
            (0..self.readers).map(|_| file::connect_reader(&self.settings)).collect();
        let writer = Writer::new(writer, self.settings.patience);
        SqliteStore::start(self.settings.path.clone(), Some(writer), readers?)
    }

    fn open_for_reading(&self) -> Result<SqliteStore, SqliteError> {
        let reader = file::connect_read_only(&self.settings)?;
        if schema::version(&reader)? < schema::NEWEST {
            return Err(SqliteError::new(SqliteErrorKind::TooOld, "read"));
        }
        SqliteStore::start(self.settings.path.clone(), None, vec![reader])
    }
}
