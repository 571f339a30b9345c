//! Whether the path still leads to the file that was opened.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{SqliteError, SqliteErrorKind};

/// The size of SQLite's header: a database that was set up is never shorter.
const MIN_BYTES: u64 = 100;

/// Notices that a file was replaced, removed or emptied while it was open.
///
/// SQLite finds the write-ahead log by the file's name. If another file takes that name, the log of
/// the old one is read as part of the new one, which damages it.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    opened: Option<Identity>,
    /// Stays set, even if the file returns to its place: its log has been emptied meanwhile.
    was_replaced: AtomicBool,
}

/// Device and inode.
type Identity = (u64, u64);

impl Watch {
    /// Watches the file that is at `path` now.
    pub(crate) fn new(path: PathBuf) -> Self {
        let opened = fs::metadata(&path).ok().as_ref().and_then(identity);
        Self { path, opened, was_replaced: AtomicBool::new(false) }
    }

    /// Asks the operating system, which takes about a microsecond. Never opens the file, because
    /// closing it would release SQLite's locks.
    ///
    /// # Errors
    /// [`SqliteErrorKind::Replaced`], from the first time on.
    pub(crate) fn check(&self, attempted: &'static str) -> Result<(), SqliteError> {
        if !self.was_replaced.load(Ordering::Relaxed) {
            match fs::metadata(&self.path) {
                Ok(found) if self.is_same(&found) => return Ok(()),
                // Whether it is there cannot be told, for example because of a directory's mode.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Ok(()),
                Ok(_) | Err(_) => self.was_replaced.store(true, Ordering::Relaxed),
            }
        }
        Err(SqliteError::new(SqliteErrorKind::Replaced, attempted).at(&self.path))
    }

    fn is_same(&self, found: &Metadata) -> bool {
        identity(found) == self.opened && found.len() >= MIN_BYTES
    }
}

/// Whether both paths lead to one file, as far as the system tells.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).ok().as_ref().and_then(identity);
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        _ => matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(a), Ok(b)) if a == b),
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn identity(file: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

/// Windows lets no one replace or remove a file that SQLite has open.
#[cfg(not(unix))]
const fn identity(_: &Metadata) -> Option<Identity> {
    None
}
