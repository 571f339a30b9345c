//! Bringing a backup back, also while applications use the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::builder::is_path;
use crate::error::{SqliteError, SqliteErrorKind};
use crate::file::{self, Settings};
use crate::inspection;
use crate::read_only;
use crate::schema;
use crate::watch::{self, Watch};

/// Pages copied between two reports of progress: 4 MiB.
const PAGES: i32 = 1_024;

/// A backup that was checked, and the file whose content it is to replace.
///
/// ```
/// # use cloakroom_sqlite::{Restore, SqliteStore};
/// # let directory = tempfile::tempdir()?;
/// # let (backup, file) = (directory.path().join("backup.db"), directory.path().join("a.db"));
/// # drop(SqliteStore::open(&backup)?);
/// let restore = Restore::check(backup, file)?;
/// println!("{} sessions", restore.sessions());
/// restore.run(&mut |copied, total| println!("{copied} of {total} bytes"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Applications can use the file meanwhile: SQLite copies the backup in one transaction. Until it
/// is committed they read the old sessions, and their writes wait; one that waits for longer than
/// [its timeout](crate::SqliteBuilder::timeout) fails. A crash leaves the old content or the new.
///
/// # Security
/// Sessions that ended after the backup was made are live again, and keys that were replaced since
/// open them. End those that may not be: all of them, if in doubt.
#[derive(Debug)]
#[must_use = "nothing is restored until `run` is called"]
pub struct Restore {
    backup: Connection,
    target: Settings,
    sessions: u64,
}

impl Restore {
    /// Checks the backup: that it is a file of this crate, of the version that this one writes,
    /// undamaged, and another one than `path`. Changes nothing.
    ///
    /// Reads the whole backup, and blocks while it does.
    ///
    /// # Errors
    /// [`SqliteError`], which names the backup.
    pub fn check(
        backup: impl Into<PathBuf>,
        path: impl Into<PathBuf>,
    ) -> Result<Self, SqliteError> {
        let (backup, path) = (absolute(backup.into()), absolute(path.into()));
        let checked = check(&backup, &path).map_err(|error| error.at(&backup));
        let (connection, sessions) = checked?;
        Ok(Self { backup: connection, target: Settings::new(path), sessions })
    }

    /// How many sessions in the backup have not ended; some of them may have expired.
    pub const fn sessions(&self) -> u64 {
        self.sessions
    }

    /// Waits at most this long for another process that writes; 5 seconds by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.target.timeout = timeout;
        self
    }

    /// Replaces the content of the file, which is created if it does not exist, and may be damaged.
    ///
    /// `progress` is called with the bytes copied and the bytes there are.
    ///
    /// # Errors
    /// [`SqliteError`], which names the file; its content is the old one then.
    pub fn run(self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), SqliteError> {
        if !is_path(&self.target.path) {
            return Err(SqliteError::new(SqliteErrorKind::NotAPath, "restore"));
        }
        self.replace(progress).map_err(|error| error.at(&self.target.path))
    }

    fn replace(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), SqliteError> {
        let engine = |error| SqliteError::engine("restore", error);
        file::create(&self.target.path)?;
        let mut target = file::connect_to_restore(&self.target)?;
        let watch = Watch::new(self.target.path.clone());
        let page_size = page_size(&self.backup).map_err(engine)?;
        if self::page_size(&target).map_err(engine)? != page_size {
            return Err(SqliteError::new(SqliteErrorKind::PageSize, "restore"));
        }
        // Polled here instead, as the writer of a store does.
        target.busy_timeout(Duration::ZERO).map_err(engine)?;
        copy(&self.backup, &mut target, &watch, self.target.timeout, &mut |left, pages| {
            progress((pages - left) * page_size, pages * page_size);
        })?;
        // The log is as long as the backup now. What cannot be moved yet is moved later.
        let _ = target.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        Ok(())
    }
}

/// Copies all pages in one transaction of the target.
fn copy(
    backup: &Connection,
    target: &mut Connection,
    watch: &Watch,
    timeout: Duration,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), SqliteError> {
    let engine = |error| SqliteError::engine("restore", error);
    let copy = Backup::new(backup, target).map_err(engine)?;
    let deadline = file::now() + timeout;
    loop {
        watch.check("restore")?;
        // The first step takes the write lock, and the last one commits.
        match copy.step(PAGES).map_err(engine)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {
                let pages = |count| u64::try_from(count).unwrap_or_default();
                let at = copy.progress();
                progress(pages(at.remaining), pages(at.pagecount));
            }
            _ if file::now() < deadline => file::pause(),
            _ => return Err(SqliteError::new(SqliteErrorKind::Locked, "restore")),
        }
    }
}

/// A connection to the backup in a transaction, so that what is checked is what is restored; and
/// the number of its sessions.
fn check(backup: &Path, path: &Path) -> Result<(Connection, u64), SqliteError> {
    let error = |kind| Err(SqliteError::new(kind, "restore"));
    let engine = |error| SqliteError::engine("restore", error);
    if !is_path(backup) {
        return error(SqliteErrorKind::NotAPath);
    }
    if watch::is_same_file(backup, path) {
        return error(SqliteErrorKind::SameFile);
    }
    let connection = read_only::connect(&Settings::new(backup.to_owned()))?.connection;
    connection.execute_batch("BEGIN").map_err(engine)?;
    match schema::version(&connection)? {
        schema::EMPTY => return error(SqliteErrorKind::Empty),
        version if version < schema::NEWEST => return error(SqliteErrorKind::TooOld),
        _ => {}
    }
    let damage = inspection::damage(&connection).map_err(engine)?;
    if !damage.is_empty() {
        return Err(SqliteError::damaged("restore", &damage));
    }
    let count = "SELECT count(*) FROM session WHERE ended IS NULL";
    let sessions: i64 = connection.query_row(count, [], |row| row.get(0)).map_err(engine)?;
    Ok((connection, sessions.unsigned_abs()))
}

fn page_size(connection: &Connection) -> rusqlite::Result<u64> {
    connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0)).map(u64::from)
}

/// See `SqliteBuilder::new`.
fn absolute(path: PathBuf) -> PathBuf {
    match std::path::absolute(&path) {
        Ok(absolute) if is_path(&path) => absolute,
        _ => path,
    }
}
