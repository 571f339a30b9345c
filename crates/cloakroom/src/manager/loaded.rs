//! A live session in the hands of a request.

use std::sync::Arc;

use crate::key::{Key, KeyFamily, PublicId, Secret};
use crate::record::Record;
use crate::value::TypedValue;

/// A live session in the hands of a request.
pub(crate) struct LoadedSession<V> {
    pub(crate) credential: Credential,
    pub(crate) record: Record,
    /// The decoded value; none if the session was never given one.
    pub(crate) value: Option<Arc<TypedValue<V>>>,
}

/// By what a session is loaded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// By a key that a request presented, or is sent.
    Key(Key),
    /// By the family of a secret that a request presented, long ago perhaps: there is no key.
    KeyFamily(PublicId, KeyFamily),
}

impl Credential {
    pub(crate) const fn id(&self) -> PublicId {
        match self {
            Self::Key(key) => key.id(),
            Self::KeyFamily(id, _) => *id,
        }
    }
}

impl<V> LoadedSession<V> {
    pub(crate) const fn id(&self) -> PublicId {
        self.credential.id()
    }

    /// The key, if it is loaded by one.
    pub(crate) const fn key(&self) -> Option<&Key> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::KeyFamily(..) => None,
        }
    }

    /// The same session's key with a fresh secret.
    pub(crate) fn key_with(&self, fresh: &Secret) -> Key {
        Key::new(self.id(), fresh.clone())
    }

    /// True if both are one and the same session, as one and the same write left it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.record.is(&other.record) && self.credential == other.credential
    }
}

impl<V> Clone for LoadedSession<V> {
    fn clone(&self) -> Self {
        let Self { credential, record, value } = self;
        Self { credential: credential.clone(), record: record.clone(), value: value.clone() }
    }
}
