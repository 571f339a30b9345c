//! Keys and stored entries as parts of a state: comparable, hashable, and named for traces.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use cloakroom::key::{KindTag, Nonce, Secret, Verifier};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::{Key, PublicId};

/// The one kind of session in the model.
pub(crate) static KIND: LazyLock<KindTag> = LazyLock::new(|| KindTag::of("model"));

/// The id of the session that request `number` can begin; 0 is the initial session.
pub(crate) const fn session_id(number: u8) -> PublicId {
    PublicId::from_bytes([number; 16])
}

/// The nonce of the renewal that request `number` can start.
pub(crate) const fn nonce(number: u8) -> Nonce {
    Nonce::from_bytes([number; 16])
}

/// A key with its verifier.
#[derive(Clone)]
pub(crate) struct ModelKey(Arc<Known>);

struct Known {
    key: Key,
    text: String,
    verifier: Verifier,
    name: String,
}

impl ModelKey {
    /// Wraps a key; `name` is for traces and does not affect comparisons.
    pub(crate) fn new(key: Key, name: String) -> Self {
        Self(Arc::new(Known { text: key.expose(), verifier: key.verifier(*KIND), key, name }))
    }

    /// A key of session `session` with the new secret that only request `number` draws.
    pub(crate) fn fresh(session: u8, number: u8) -> Self {
        let key = Key::new(session_id(session), Secret::from_bytes([number | 0x80; 16]));
        Self::new(key, format!("key {session}.{number}"))
    }

    /// The key that follows this one by timed renewal.
    pub(crate) fn followed_by(&self, next: Key) -> Self {
        Self::new(next, format!("{}'", self.0.name))
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0.key
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The number of its session.
    pub(crate) fn session(&self) -> u8 {
        self.0.key.id().as_bytes()[0]
    }
}

impl PartialEq for ModelKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for ModelKey {}

impl PartialOrd for ModelKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ModelKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl Hash for ModelKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

/// An entry as a store of blobs keeps it: its bytes, here with the decoded value.
#[derive(Clone)]
pub(crate) struct Entry(Arc<(Vec<u8>, Stored)>);

impl Entry {
    pub(crate) fn of(stored: &Stored) -> Self {
        Self::read(stored.to_bytes().expect("bytes need no codec"))
    }

    /// The entry after a write: `record` with its revision and its value.
    ///
    /// Only the library can set a revision, so this patches the bytes as laid out in
    /// `record/wire.rs`.
    pub(crate) fn written(record: Record, revision: Revision, value: &[u8]) -> Self {
        let tail = 1 + writes(&record).len();
        let mut bytes = Stored::Live(record).to_bytes().expect("bytes need no codec");
        bytes[18..26].copy_from_slice(&revision.count().to_be_bytes());
        bytes[26..34].copy_from_slice(&revision.token().to_be_bytes());
        bytes.truncate(bytes.len() - tail);
        bytes.push(1);
        bytes.extend_from_slice(value);
        Self::read(bytes)
    }

    fn read(bytes: Vec<u8>) -> Self {
        let stored = Stored::from_bytes(&bytes).expect("an entry that was just written");
        Self(Arc::new((bytes, stored)))
    }

    pub(crate) fn stored(&self) -> &Stored {
        &self.0.1
    }

    pub(crate) fn credentials(&self) -> &cloakroom::record::Credentials {
        self.stored().credentials()
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

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl Eq for Entry {}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
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
