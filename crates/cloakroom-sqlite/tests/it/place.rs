//! A file of a test's own.

use std::path::PathBuf;

use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::Guarded;
use tempfile::TempDir;

/// A directory that goes with the test, and the file in it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("sessions.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    /// The store, which takes the place along.
    pub(crate) fn into_store(self) -> Guarded<SqliteStore> {
        Guarded::new(self.open(), self)
    }
}
