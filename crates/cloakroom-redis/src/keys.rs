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

    /// The index of a principal's sessions.
    ///
    /// The hash tag puts it into the same cluster slot as the revocation. The `=` keeps the tag
    /// from being empty, or from ending early if the principal starts with `}`.
    pub(crate) fn sessions_of(&self, principal: &Principal) -> Vec<u8> {
        format!("{}:principal:{{={principal}}}:sessions", self.prefix).into_bytes()
    }

    /// The time up to which a principal's sessions are revoked.
    pub(crate) fn revoked_before(&self, principal: &Principal) -> Vec<u8> {
        format!("{}:principal:{{={principal}}}:revoked_before", self.prefix).into_bytes()
    }

    /// Whether this is the key of a principal's index.
    pub(crate) fn is_index(&self, key: &[u8]) -> bool {
        let rest = key.strip_prefix(self.prefix.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b":principal:") && rest.ends_with(b":sessions"))
    }

    /// A key in the same slot as `key`, which is written only to wait for replicas.
    pub(crate) fn replication_mark(key: &[u8]) -> Vec<u8> {
        [b"{", tag_of(key), b"}:replicated"].concat()
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
