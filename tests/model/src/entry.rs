//! An entry as a store of blobs keeps it: its bytes, here with what they say.

use std::fmt;
use std::hash::{Hash, Hasher};

use cloakroom::record::{Record, Revision, Stored};

use crate::shared::Shared;

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entry(Shared<Inner>);

struct Inner {
    bytes: Vec<u8>,
    stored: Stored,
}

impl Entry {
    pub(crate) fn of(stored: &Stored) -> Self {
        Self::read(stored.to_bytes().expect("bytes need no codec"))
    }

    pub(crate) fn record(record: &Record) -> Self {
        Self::of(&Stored::Live(record.clone()))
    }

    /// The entry with another revision, patched into the bytes as `record/wire.rs` lays them out:
    /// only the library can set one.
    pub(crate) fn with_revision(&self, revision: Revision) -> Self {
        let mut bytes = self.0.bytes.clone();
        bytes[18..26].copy_from_slice(&revision.count().to_be_bytes());
        bytes[26..34].copy_from_slice(&revision.token().to_be_bytes());
        Self::read(bytes)
    }

    fn read(bytes: Vec<u8>) -> Self {
        let stored = Stored::from_bytes(&bytes).expect("an entry that was just written");
        Self(Shared::new(Inner { bytes, stored }))
    }

    pub(crate) fn stored(&self) -> &Stored {
        &self.0.stored
    }

    pub(crate) fn live(&self) -> Option<&Record> {
        match self.stored() {
            Stored::Live(record) => Some(record),
            Stored::Ended(_) => None,
        }
    }
}

/// A record's value: the numbers of the requests that wrote it.
pub(crate) fn writes(record: &Record) -> Vec<u8> {
    let bytes = record.payload().to_bytes().expect("bytes need no codec");
    bytes.map_or_else(Vec::new, |bytes| bytes.to_vec())
}

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Inner {}

impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stored() {
            Stored::Live(record) => write!(
                f,
                "live, revision {}, value {:?}, principal {}",
                record.revision().count(),
                writes(record),
                record.principal().map_or("none", |who| who.as_str()),
            ),
            Stored::Ended(tombstone) => write!(f, "ended ({})", tombstone.ending().reason()),
        }
    }
}
