//! A live session in the hands of a request.

use std::sync::Arc;

use crate::key::{Key, Lineage, Secret, SessionId};
use crate::payload::Holder;
use crate::record::Record;

/// A live session in the hands of a request.
pub(crate) struct Held<V> {
    pub(crate) claim: Claim,
    pub(crate) record: Record,
    /// The decoded value; none if the session was never given one.
    pub(crate) value: Option<Arc<Holder<V>>>,
}

/// By what a session is held.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// By a key that a request presented, or is sent.
    Key(Key),
    /// By the lineage of a secret that a request presented, long ago perhaps: there is no key.
    Lineage(SessionId, Lineage),
}

impl Claim {
    pub(crate) const fn id(&self) -> SessionId {
        match self {
            Self::Key(key) => key.id(),
            Self::Lineage(id, _) => *id,
        }
    }
}

impl<V> Held<V> {
    pub(crate) const fn id(&self) -> SessionId {
        self.claim.id()
    }

    /// The key, if it is held by one.
    pub(crate) const fn key(&self) -> Option<&Key> {
        match &self.claim {
            Claim::Key(key) => Some(key),
            Claim::Lineage(..) => None,
        }
    }

    /// The same session's key with a fresh secret.
    pub(crate) fn key_with(&self, fresh: &Secret) -> Key {
        Key::new(self.id(), fresh.clone())
    }

    /// True if both are one and the same session, as one and the same write left it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.record.is(&other.record) && self.claim == other.claim
    }
}

impl<V> Clone for Held<V> {
    fn clone(&self) -> Self {
        let Self { claim, record, value } = self;
        Self { claim: claim.clone(), record: record.clone(), value: value.clone() }
    }
}
