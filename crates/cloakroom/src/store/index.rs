//! Entries of the principal index, and pages of long lists.

use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::time::Timestamp;

/// A session that is about to be signed in, or was just signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct IndexLogin {
    /// Who signs in.
    pub principal: Principal,
    /// The session.
    pub id: PublicId,
    /// Its kind.
    pub kind: KindTag,
    /// The session's absolute deadline, from which on the entry is garbage.
    pub until: Timestamp,
    /// When the principal authenticated. The sign-in is refused if their sessions were revoked up
    /// to a later moment.
    pub authenticated_at: Timestamp,
    /// How many of the entries that count the principal can have, with this one; `None` for any
    /// number.
    pub limit: Option<usize>,
    /// The kind of the entries that count, which is the session's own; `None` if all do.
    pub counted: Option<KindTag>,
    /// The time of the call, by which a store at its limit looks for garbage; `None` if the caller
    /// has no clock.
    pub now: Option<Timestamp>,
    /// Entries of the principal to remove in the same step, if they have not changed since they
    /// were read.
    pub replacing: Vec<IndexEntry>,
}

impl IndexLogin {
    /// Signs `principal` in on session `id` of this kind, which ends at `until` at the latest,
    /// without any condition.
    pub const fn new(principal: Principal, id: PublicId, kind: KindTag, until: Timestamp) -> Self {
        Self {
            principal,
            id,
            kind,
            until,
            authenticated_at: Timestamp::NEVER,
            limit: None,
            counted: Some(kind),
            now: None,
            replacing: Vec::new(),
        }
    }

    /// Sets when the principal authenticated.
    #[must_use = "the changed value is returned"]
    pub const fn with_authenticated_at(mut self, at: Timestamp) -> Self {
        self.authenticated_at = at;
        self
    }

    /// Sets the time of the call.
    #[must_use = "the changed value is returned"]
    pub const fn with_now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Refuses the sign-in if the principal would then have more than `limit` entries of this kind,
    /// once those in `replacing` are removed.
    #[must_use = "the changed value is returned"]
    pub fn with_limit(mut self, limit: usize, replacing: Vec<IndexEntry>) -> Self {
        self.limit = Some(limit);
        self.replacing = replacing;
        self
    }

    /// Counts the principal's entries of every kind against the limit.
    #[must_use = "the changed value is returned"]
    pub const fn across_kinds(mut self) -> Self {
        self.counted = None;
        self
    }

    /// A time that has passed, if one is known: a caller without a clock may still say when the
    /// principal authenticated.
    pub(crate) fn known_time(&self) -> Option<Timestamp> {
        let signed_in = Some(self.authenticated_at).filter(|at| *at != Timestamp::NEVER);
        self.now.or(signed_in)
    }

    /// How many entries an [`Indexed::Full`] answer lists at most.
    pub fn max_listed(&self) -> usize {
        self.limit.unwrap_or_default().saturating_add(100)
    }
}

/// A session's entry in the principal index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct IndexEntry {
    /// The session.
    pub id: PublicId,
    /// Its kind.
    pub kind: KindTag,
    /// The session's absolute deadline at its last sign-in. Every sign-in moves it, so it also
    /// tells whether the entry has changed.
    pub until: Timestamp,
}

impl IndexEntry {
    /// The entry of session `id` of this kind, with this deadline.
    pub const fn new(id: PublicId, kind: KindTag, until: Timestamp) -> Self {
        Self { id, kind, until }
    }

    /// Whether the entry is of this kind; for `None`, true.
    pub fn is_of(&self, kind: Option<KindTag>) -> bool {
        kind.is_none_or(|kind| self.kind == kind)
    }
}

/// The answer to [`Store::index_login`](super::Store::index_login).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a sign-in that was refused must not happen"]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no fourth answer")]
pub enum Indexed {
    /// The session is in the index.
    Done,
    /// The principal has as many entries that count as the limit allows: these, up to
    /// [`IndexLogin::max_listed`] of them.
    Full(Vec<IndexEntry>),
    /// The principal's sessions were revoked after this sign-in.
    Revoked,
}

/// A part of a long list, ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    pub(crate) after: Option<PublicId>,
    pub(crate) limit: usize,
}

impl Page {
    /// The first `limit` entries.
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// A page of the same size that starts after the entry `last`.
    pub const fn after(self, last: PublicId) -> Self {
        Self { after: Some(last), limit: self.limit }
    }

    /// The id after which the page starts; `None` for the first page.
    pub const fn starts_after(&self) -> Option<PublicId> {
        self.after
    }

    /// The largest number of entries on the page.
    pub const fn limit(&self) -> usize {
        self.limit
    }
}
