//! Errors of the file.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloakroom::store::{StoreError, StoreErrorKind};
use rusqlite::{Connection, ErrorCode};

/// An operation on the file failed.
///
/// Also the [`source`](StdError::source) of the [`StoreError`]s that this store returns.
#[derive(Clone, Debug)]
pub struct SqliteError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: SqliteErrorKind,
    attempted: &'static str,
    path: Option<PathBuf>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`SqliteError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqliteErrorKind {
    /// Another process held the write lock for longer than the timeout.
    Locked,
    /// The disk is full, or the file has reached its size limit.
    Full,
    /// The file, its directory or its file system is read-only.
    ReadOnly,
    /// The file, or the directory to create it in, does not exist.
    Missing,
    /// Not a path but a URL, a name for a database in memory, or nothing.
    NotAPath,
    /// It is a directory, or something else that is not a file.
    NotAFile,
    /// The file has no tables, and was opened for reading only.
    Empty,
    /// The file has a write-ahead log, which cannot be read where its directory is read-only.
    LogUnreadable,
    /// The operating system denies access to the file.
    Denied,
    /// The path leads to another file than the one that was opened, to none, or to one that was
    /// emptied.
    Replaced,
    /// The file is damaged.
    Corrupt,
    /// The file is not a database, or belongs to another application.
    Foreign,
    /// The backup is the file that it would replace.
    SameFile,
    /// The backup's pages are of another size than the file's.
    PageSize,
    /// A later version of this crate wrote the file.
    TooNew,
    /// The file needs a migration, but was opened for reading only.
    TooOld,
    /// The operating system reported an I/O error.
    Io,
    /// Any other error.
    Other,
}

impl SqliteError {
    pub(crate) fn new(kind: SqliteErrorKind, attempted: &'static str) -> Self {
        Self(Arc::new(Inner { kind, attempted, path: None, source: None }))
    }

    /// An error of SQLite.
    pub(crate) fn engine(attempted: &'static str, error: rusqlite::Error) -> Self {
        let kind = kind_of(&error);
        // The text of the error repeats that of its code, except for an error in a statement.
        let source = match (kind, error.sqlite_error()) {
            (SqliteErrorKind::Other, _) | (_, None) => error.into(),
            (_, Some(code)) => Box::from(*code),
        };
        Self(Arc::new(Inner { kind, attempted, path: None, source: Some(source) }))
    }

    /// A damaged file, with what was found in it.
    pub(crate) fn damaged(attempted: &'static str, findings: &[String]) -> Self {
        let (kind, source) = (SqliteErrorKind::Corrupt, Some(findings.join("; ").into()));
        Self(Arc::new(Inner { kind, attempted, path: None, source }))
    }

    /// An error of the operating system.
    pub(crate) fn system(attempted: &'static str, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => SqliteErrorKind::Missing,
            io::ErrorKind::PermissionDenied => SqliteErrorKind::Denied,
            io::ErrorKind::ReadOnlyFilesystem => SqliteErrorKind::ReadOnly,
            io::ErrorKind::StorageFull => SqliteErrorKind::Full,
            _ => SqliteErrorKind::Io,
        };
        Self(Arc::new(Inner { kind, attempted, path: None, source: Some(error.into()) }))
    }

    /// The same error with the path of the file.
    pub(crate) fn at(self, path: &Path) -> Self {
        let path = Some(path.to_owned());
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { path, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// The same error with the path of the connection's file.
    pub(crate) fn on(self, connection: &Connection) -> Self {
        match connection.path() {
            Some(path) => self.at(Path::new(path)),
            None => self,
        }
    }

    /// The kind of this error.
    pub fn kind(&self) -> SqliteErrorKind {
        self.0.kind
    }

    /// The error of an operation that did not happen.
    pub(crate) fn not_sent(&self) -> StoreError {
        StoreError::not_sent(self.store_kind()).with_source(self.clone())
    }

    /// The error of an operation that happened completely or not at all.
    pub(crate) fn outcome_unknown(&self) -> StoreError {
        StoreError::outcome_unknown(self.store_kind()).with_source(self.clone())
    }

    /// A damaged file makes the store unavailable: `StoreErrorKind::Corrupt` means one unreadable
    /// record.
    fn store_kind(&self) -> StoreErrorKind {
        match self.kind() {
            SqliteErrorKind::Full => StoreErrorKind::Full,
            _ => StoreErrorKind::Unavailable,
        }
    }
}

fn kind_of(error: &rusqlite::Error) -> SqliteErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqliteErrorKind::Locked,
        Some(ErrorCode::DiskFull) => SqliteErrorKind::Full,
        Some(ErrorCode::ReadOnly) => SqliteErrorKind::ReadOnly,
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::AuthorizationForStatementDenied,
        ) => SqliteErrorKind::Denied,
        Some(ErrorCode::DatabaseCorrupt) => SqliteErrorKind::Corrupt,
        Some(ErrorCode::NotADatabase) => SqliteErrorKind::Foreign,
        Some(ErrorCode::SystemIoFailure) => SqliteErrorKind::Io,
        _ => SqliteErrorKind::Other,
    }
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, attempted, path, source } = &*self.0;
        write!(f, "cannot {attempted}")?;
        if let Some(path) = path {
            write!(f, " `{}`", path.display())?;
        }
        if matches!(source, Some(source) if source.is::<io::Error>()) {
            // It says what the kind would.
            return Ok(());
        }
        f.write_str(match kind {
            SqliteErrorKind::Locked => ": another process holds the write lock",
            SqliteErrorKind::Full => ": the disk is full, or the file has reached its size limit",
            SqliteErrorKind::ReadOnly => ": it is read-only, or was opened for reading only",
            SqliteErrorKind::Missing => ": no such file or directory",
            SqliteErrorKind::NotAPath => {
                ": not the path of a file; for memory use `MemoryStore`, for a URL \
                 `cloakroom_any::open`"
            }
            SqliteErrorKind::NotAFile if path.as_ref().is_some_and(|path| path.is_dir()) => {
                ": it is a directory; name a file in it"
            }
            SqliteErrorKind::NotAFile => ": it is not a file",
            SqliteErrorKind::Empty => {
                ": there are no tables in it yet; an application creates them when it opens the \
                 file (if this is a copy, copy the file's `-wal` with it)"
            }
            SqliteErrorKind::LogUnreadable => {
                ": its write-ahead log cannot be read in a read-only directory; copy both files, \
                 this and its `-wal`, to another one"
            }
            SqliteErrorKind::Denied => ": access denied",
            SqliteErrorKind::Replaced => {
                ": it was replaced or removed while it was open; stop the application, bring the \
                 sessions back with `cloakroom restore`, then start it"
            }
            SqliteErrorKind::Corrupt => ": the file is damaged",
            SqliteErrorKind::Foreign => ": not a Cloakroom database",
            SqliteErrorKind::SameFile => ": it is the store's own file, not a backup of it",
            SqliteErrorKind::PageSize => {
                ": the backup's pages are of another size; stop the application, move this file \
                 and its `-wal` away, and restore again"
            }
            SqliteErrorKind::TooNew => {
                ": a later version of Cloakroom wrote it; upgrade this program"
            }
            SqliteErrorKind::TooOld => {
                ": an earlier version of Cloakroom wrote it; open it for writing once to migrate it"
            }
            SqliteErrorKind::Io | SqliteErrorKind::Other => "",
        })
    }
}

impl StdError for SqliteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn an_error_leaves_to_its_source_what_the_source_says() {
        let system = [
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::StorageFull,
            io::ErrorKind::TimedOut,
        ];
        for kind in system {
            let error = SqliteError::system("open", kind.into()).at(Path::new("a.db"));
            assert_eq!(error.to_string(), "cannot open `a.db`");
            assert!(error.source().is_some());
        }
        for code in 1..=26 {
            let code = ffi::Error::new(code);
            let said = code.to_string().rsplit(": ").next().map(str::to_owned);
            let error = rusqlite::Error::SqliteFailure(code, said.clone());
            let error = SqliteError::engine("read", error);
            let (error, said) = (error.to_string(), said.unwrap_or_default().to_lowercase());
            assert!(!error.to_lowercase().contains(&said), "{error}: {said}");
        }
    }

    #[test]
    fn a_file_that_is_not_a_database_is_reported_once() {
        let code = ffi::Error::new(ffi::SQLITE_NOTADB);
        let error = rusqlite::Error::SqliteFailure(code, Some("file is not a database".to_owned()));
        let source = SqliteError::engine("read", error).source().map(ToString::to_string);
        assert_eq!(source, Some(code.to_string()));
    }
}
