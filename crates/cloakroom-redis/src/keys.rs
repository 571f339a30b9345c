//! The names of the keys on the server.

use cloakroom::{Principal, PublicId};

use crate::slots::tag_of;

/// The prefix of all keys of a store.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    /// `None` if the prefix is empty, too long, or has characters with a meaning in glob patterns
    /// or hash tags.
    pub(crate) fn new(prefix: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        let is_valid = (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_plain);
        is_valid.then(|| Self { prefix: prefix.to_owned() })
    }

    pub(crate) fn session(&self, id: PublicId) -> Vec<u8> {
        format!("{}:session:{id}", self.prefix).into_bytes()
    }

    /// The id in the key of a session; `None` for any other key.
    pub(crate) fn parse_session(&self, key: &[u8]) -> Option<PublicId> {
        let id = key.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b":session:")?;
        std::str::from_utf8(id).ok()?.parse().ok()
    }

    /// What is kept of a principal: one key, so that a script on it works while its slot moves.
    ///
    /// The hash tag gives the replication mark of this key a slot. The `=` keeps the tag from being
    /// empty, or from ending early if the principal starts with `}`.
    pub(crate) fn principal(&self, principal: &Principal) -> Vec<u8> {
        format!("{}:principal:{{={principal}}}", self.prefix).into_bytes()
    }

    /// Whether this is the key of a principal.
    pub(crate) fn is_principal(&self, key: &[u8]) -> bool {
        let rest = key.strip_prefix(self.prefix.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b":principal:"))
    }

    /// A key that is written only to wait for replicas. Each number is in a slot of its own.
    pub(crate) fn replication_mark(&self, number: u16) -> Vec<u8> {
        format!("{{{}:{number}}}:replicated", self.prefix).into_bytes()
    }

    /// Such a key in the same slot as `key`.
    pub(crate) fn replication_mark_next_to(key: &[u8]) -> Vec<u8> {
        [b"{", tag_of(key), b"}:replicated"].concat()
    }

    /// A key that is never written.
    pub(crate) fn probe(&self) -> Vec<u8> {
        format!("{}:probe", self.prefix).into_bytes()
    }

    /// The prefix of the keys of all sessions.
    pub(crate) fn session_prefix(&self) -> String {
        format!("{}:session:", self.prefix)
    }

    /// The glob pattern of the keys of all sessions.
    pub(crate) fn session_pattern(&self) -> String {
        format!("{}:session:*", self.prefix)
    }

    /// The glob pattern of all keys.
    pub(crate) fn pattern(&self) -> String {
        format!("{}:*", self.prefix)
    }
}
