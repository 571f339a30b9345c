//! The names of keys in the server.

use cloakroom::{Principal, PublicId};

use crate::slots::tag_of;

/// What all keys of one store begin with.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys that begin with `prefix`; `None` if it is empty, long, or has characters that mean something to the server.
    pub(crate) fn new(prefix: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        let is_fit = (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_plain);
        is_fit.then(|| Self { prefix: prefix.to_owned() })
    }

    pub(crate) fn session(&self, id: PublicId) -> Vec<u8> {
        format!("{}:s:{id}", self.prefix).into_bytes()
    }

    /// The id in a session's key.
    pub(crate) fn id_in(&self, key: &[u8]) -> Option<PublicId> {
        let id = key.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b":s:")?;
        std::str::from_utf8(id).ok()?.parse().ok()
    }

    /// A principal's directory. In a cluster it is with its watermark, by what is in braces; which is never empty.
    pub(crate) fn directory(&self, principal: &Principal) -> Vec<u8> {
        format!("{}:p:{{={principal}}}:in", self.prefix).into_bytes()
    }

    /// Up to when a principal's sessions were revoked.
    pub(crate) fn watermark(&self, principal: &Principal) -> Vec<u8> {
        format!("{}:p:{{={principal}}}:before", self.prefix).into_bytes()
    }

    /// A key beside another, whose slot it shares, that nobody reads.
    pub(crate) fn mark_beside(key: &[u8]) -> Vec<u8> {
        [b"{", tag_of(key), b"}:copied"].concat()
    }

    /// What all sessions' keys begin with.
    pub(crate) fn every_session(&self) -> String {
        format!("{}:s:", self.prefix)
    }

    /// What all sessions' keys look like.
    pub(crate) fn sessions(&self) -> String {
        format!("{}:s:*", self.prefix)
    }

    /// What all keys look like.
    pub(crate) fn all(&self) -> String {
        format!("{}:*", self.prefix)
    }

    /// Whether it is a directory's.
    pub(crate) fn is_directory(&self, key: &[u8]) -> bool {
        let rest = key.strip_prefix(self.prefix.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b":p:") && rest.ends_with(b":in"))
    }
}
