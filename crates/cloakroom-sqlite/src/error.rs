//! What can go wrong with the file.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloakroom::store::{StoreError, StoreErrorKind};
use rusqlite::ErrorCode;

/// An operation on the file that failed. It is also the [`source`](StdError::source) of the store's own errors.
#[derive(Clone, Debug)]
pub struct SqliteError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: SqliteErrorKind,
    attempted: &'static str,
    path: Option<PathBuf>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqliteErrorKind {
    /// Another connection held the write lock for longer than this one waits.
    Locked,
    /// The disk is full, or the file has reached its bound.
    Full,
    /// The file, its directory or its file system can't be written.
    ReadOnly,
    /// There is no such file, or no directory to create it in.
    Missing,
    /// The system does not let this process open the file.
    Denied,
    /// The file is damaged.
    Corrupt,
    /// The file is no database, or another application's.
    Foreign,
    /// The file was written by a later version of this crate.
    TooNew,
    /// The file was written by an earlier version of this crate, and was opened for reading only.
    TooOld,
    /// The disk answered with an error.
    Io,
    /// Anything else.
    Other,
}

impl SqliteError {
    pub(crate) fn new(kind: SqliteErrorKind, attempted: &'static str) -> Self {
        Self(Arc::new(Inner { kind, attempted, path: None, source: None }))
    }

    /// What SQLite answered.
    pub(crate) fn engine(attempted: &'static str, error: rusqlite::Error) -> Self {
        let kind = kind_of(&error);
        Self(Arc::new(Inner { kind, attempted, path: None, source: Some(error.into()) }))
    }

    /// What the operating system answered.
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

    /// The same error, naming the file.
    pub(crate) fn at(self, path: &Path) -> Self {
        let path = Some(path.to_owned());
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { path, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> SqliteErrorKind {
        self.0.kind
    }

    /// As an operation that did not happen.
    pub(crate) fn not_sent(&self) -> StoreError {
        StoreError::not_sent(self.store_kind()).with_source(self.clone())
    }

    /// As an operation that happened whole or not at all.
    pub(crate) fn outcome_unknown(&self) -> StoreError {
        StoreError::outcome_unknown(self.store_kind()).with_source(self.clone())
    }

    /// A damaged file is a store that can't be used; `Corrupt` in the store's contract means one unreadable record.
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
        let Inner { kind, attempted, path, .. } = &*self.0;
        write!(f, "cannot {attempted}")?;
        if let Some(path) = path {
            write!(f, " `{}`", path.display())?;
        }
        f.write_str(match kind {
            SqliteErrorKind::Locked => ": another process holds it locked",
            SqliteErrorKind::Full => ": the disk is full, or the file has reached its bound",
            SqliteErrorKind::ReadOnly => ": it can only be read here",
            SqliteErrorKind::Missing => ": there is no such file or directory",
            SqliteErrorKind::Denied => ": the system does not permit it",
            SqliteErrorKind::Corrupt => ": the file is damaged",
            SqliteErrorKind::Foreign => ": it is no database of sessions",
            SqliteErrorKind::TooNew => ": a later version of this program wrote it",
            SqliteErrorKind::TooOld => {
                ": an earlier version of this program wrote it, and only one that may write can bring it up to date"
            }
            SqliteErrorKind::Io => ": the disk answered with an error",
            SqliteErrorKind::Other => "",
        })
    }
}

impl StdError for SqliteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
