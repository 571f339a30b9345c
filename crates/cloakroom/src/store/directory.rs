//! A principal's entry in the directory, and pages of long lists.

use crate::key::SessionId;
use crate::principal::Principal;
use crate::time::Timestamp;

/// A session about to be signed in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Admission {
    /// Who signs in.
    pub principal: Principal,
    /// On which session.
    pub id: SessionId,
    /// The session's absolute deadline: from then on the entry is garbage.
    pub until: Timestamp,
}

impl Admission {
    /// `principal` signs in on session `id`, which lives until `until` at most.
    pub const fn new(principal: Principal, id: SessionId, until: Timestamp) -> Self {
        Self { principal, id, until }
    }
}

/// A part of a long list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub(crate) after: Option<SessionId>,
    pub(crate) limit: usize,
}

impl Page {
    /// The first `limit` entries.
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// As many entries again, after the last one of the page before.
    pub const fn after(self, last: SessionId) -> Self {
        Self { after: Some(last), limit: self.limit }
    }

    /// The id after which the page starts; `None` for the first.
    pub const fn starts_after(&self) -> Option<SessionId> {
        self.after
    }

    /// How many entries at most.
    pub const fn limit(&self) -> usize {
        self.limit
    }
}
