//! A temporary file for a test, and the sessions to put into it.

use std::path::PathBuf;
use std::time::Duration;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::{Inserted, StoreError};
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, PublicId, Store, Timestamp, protocol};
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::{Guarded, ManualClock};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = ManualClock::START;
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);

/// A file in a temporary directory, which is removed at the end of the test.
pub(crate) struct TestFile(TempDir);

impl TestFile {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("sessions.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    /// The store, which keeps the temporary directory alive.
    pub(crate) fn into_store(self) -> Guarded<SqliteStore> {
        Guarded::new(self.open(), self)
    }

    /// A plain SQLite connection to the file.
    pub(crate) fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub(crate) fn id(n: u32) -> PublicId {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    PublicId::from_bytes(bytes)
}

/// A session created at `now`, with a value of `size` bytes.
pub(crate) fn record(now: Timestamp, size: usize) -> Record {
    let kind = KindTag::DEFAULT;
    let verifier = Key::new(id(0), Secret::from_bytes([7; 16])).verifier(kind);
    let (lifetime, payload) = (Lifetime::default(), Payload::from_bytes(vec![b'x'; size]));
    protocol::begin(kind, verifier, lifetime, None, payload, Revision::new(1, 1), now)
}

pub(crate) fn insert(store: &impl Store, n: u32, record: Record) -> Result<(), StoreError> {
    store.insert(id(n), record).wait().map(|inserted| assert_eq!(inserted, Inserted::Done))
}

/// The size of the value under `id(n)`; `None` if there is no live session.
pub(crate) fn size(store: &impl Store, n: u32) -> Option<usize> {
    match store.get(id(n)).wait().unwrap()? {
        Stored::Live(record) => Some(record.payload().memory().unwrap()),
        Stored::Ended(_) => None,
    }
}
