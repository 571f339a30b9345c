//! A live session, as one request or job has opened it.

use std::sync::Arc;

use crate::key::{Key, KeyFamily, PublicId, Secret};
use crate::record::Record;
use crate::value::TypedValue;

/// A live session, as one request or job has opened it.
pub(crate) struct LoadedSession<V> {
    pub(crate) credential: Credential,
    pub(crate) record: Record,
    /// The decoded value; `None` if the session was never given one.
    pub(crate) value: Option<Arc<TypedValue<V>>>,
}

/// What a session was opened with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A key that a request presented, or is sent.
    Key(Key),
    /// The family of a key that a request presented earlier.
    ///
    /// There is no key.
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

    /// The key, if the session was opened with one.
    pub(crate) const fn key(&self) -> Option<&Key> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::KeyFamily(..) => None,
        }
    }

    /// A key of this session with a fresh secret.
    pub(crate) fn key_with(&self, fresh: &Secret) -> Key {
        Key::new(self.id(), fresh.clone())
    }

    /// True if both are the same session, as the same write left it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.record.ptr_eq(&other.record) && self.credential == other.credential
    }
}

impl<V> Clone for LoadedSession<V> {
    fn clone(&self) -> Self {
        let Self { credential, record, value } = self;
        Self { credential: credential.clone(), record: record.clone(), value: value.clone() }
    }
}
