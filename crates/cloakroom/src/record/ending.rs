//! How a session was ended, and what remains of it.

use std::fmt;
use std::sync::Arc;

use super::{Credentials, Extensions, wire};
use crate::policy::Principal;
use crate::time::Timestamp;

/// Why and when a session was ended, and how long its tombstone is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ending {
    pub(crate) reason: EndReason,
    pub(crate) at: Timestamp,
    pub(crate) keep_until: Timestamp,
}

impl Ending {
    /// An ending for `reason` at `at`, whose tombstone is kept until `keep_until`.
    pub const fn new(reason: EndReason, at: Timestamp, keep_until: Timestamp) -> Self {
        Self { reason, at, keep_until }
    }

    /// Why the session was ended.
    pub const fn reason(self) -> EndReason {
        self.reason
    }

    /// When the session was ended.
    pub const fn at(self) -> Timestamp {
        self.at
    }

    /// From when on a store can remove the tombstone.
    pub const fn keep_until(self) -> Timestamp {
        self.keep_until
    }

    /// The first 18 bytes of the tombstone, for a store that ends sessions in place.
    ///
    /// The rest of the tombstone is a part of the record's own bytes: its credentials, principal
    /// and extensions, which begin at offset 75 of [`Stored::to_bytes`](super::Stored::to_bytes).
    pub fn to_bytes(self) -> Vec<u8> {
        wire::encode_ending(self)
    }
}

/// Why a session was ended.
///
/// Only a client with a key that opened the session learns the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The application called [`Session::end`](crate::Session::end), or the user signed in with
    /// another of the keys that the request presented.
    Ended,
    /// The user signed out.
    SignedOut,
    /// Another principal signed in on the session, and was given a new one.
    SignedInAsAnother,
    /// An operator or the application ended it from outside, for instance with
    /// [`Sessions::revoke`](crate::Sessions::revoke).
    Revoked,
    /// A secret that had retired long ago was presented: two clients hold copies of one key.
    KeyReused,
    /// The user ended it from another of their sessions ("log out everywhere").
    SignedOutElsewhere,
    /// The principal signed in once more than their
    /// [`SessionLimit`](crate::SessionLimit::end_oldest) allows, and this session was the oldest.
    OverLimit,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Ended,
        Self::SignedOut,
        Self::SignedInAsAnother,
        Self::Revoked,
        Self::KeyReused,
        Self::SignedOutElsewhere,
        Self::OverLimit,
    ];

    /// The reason in a few words, as logs, metrics and the command-line tool print it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::SignedOut => "signed out",
            Self::SignedInAsAnother => "signed in as another",
            Self::Revoked => "revoked",
            Self::KeyReused => "key reused",
            Self::SignedOutElsewhere => "signed out elsewhere",
            Self::OverLimit => "session limit",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What remains of an ended session; cheap to clone.
///
/// It has no value. It keeps any write in flight from reviving the session, and tells the holder of
/// a key why the session was ended.
#[derive(Clone, Debug)]
pub struct Tombstone(Arc<TombstoneFields>);

#[derive(Debug)]
struct TombstoneFields {
    credentials: Credentials,
    principal: Option<Principal>,
    extensions: Extensions,
    ending: Ending,
}

impl Tombstone {
    pub(super) fn new(
        credentials: Credentials,
        principal: Option<Principal>,
        extensions: Extensions,
        ending: Ending,
    ) -> Self {
        Self(Arc::new(TombstoneFields { credentials, principal, extensions, ending }))
    }

    /// Why and when the session was ended.
    pub fn ending(&self) -> Ending {
        self.0.ending
    }

    /// Who was signed in, if anyone.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// What the tombstone keeps of the session's secrets.
    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// About how many bytes of memory its texts, its retired secrets and its extensions take.
    pub(crate) fn memory(&self) -> usize {
        let principal = self.principal().map_or(0, |name| name.as_str().len());
        principal + self.0.credentials.memory() + self.0.extensions.memory()
    }
}
