//! A principal's entry in the directory, and pages of long lists.

use crate::key::PublicId;
use crate::policy::Principal;
use crate::time::Timestamp;

/// A session about to be signed in, or just signed in: the same asked twice is entered once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IndexLogin {
    /// Who signs in.
    pub principal: Principal,
    /// On which session.
    pub id: PublicId,
    /// The session's absolute deadline: from then on the entry is garbage.
    pub until: Timestamp,
    /// When the visitor proved who they are: refused if the principal's sessions were revoked up to a later moment.
    pub authenticated_at: Timestamp,
    /// How many entries the principal may have, this one included; any number if `None`.
    pub limit: Option<usize>,
    /// Entries of the principal that make room in the same step, each only if it is still as it was seen.
    pub replacing: Vec<IndexEntry>,
}

impl IndexLogin {
    /// `principal` signs in on session `id`, which lives until `until` at most; nothing is asked about them.
    pub const fn new(principal: Principal, id: PublicId, until: Timestamp) -> Self {
        let authenticated_at = Timestamp::NEVER;
        Self { principal, id, until, authenticated_at, limit: None, replacing: Vec::new() }
    }

    /// The same, by a proof of that moment.
    #[must_use = "an admission is a value: the changed one is returned"]
    pub const fn authenticated_at(mut self, at: Timestamp) -> Self {
        self.authenticated_at = at;
        self
    }

    /// The same, unless the principal then has more than `limit` entries; those in `replacing` go first.
    #[must_use = "an admission is a value: the changed one is returned"]
    pub fn within(mut self, limit: usize, replacing: Vec<IndexEntry>) -> Self {
        self.limit = Some(limit);
        self.replacing = replacing;
        self
    }

    /// How many entries an answer [`Indexed::Full`] names at most.
    pub fn shown(&self) -> usize {
        self.limit.unwrap_or_default().saturating_add(100)
    }
}

/// A session's entry in its principal's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct IndexEntry {
    /// The session.
    pub id: PublicId,
    /// Its deadline, as the last admission noted it. A later admission moves it, so it marks what was seen.
    pub until: Timestamp,
}

impl IndexEntry {
    /// The entry of session `id` that was noted until `until`.
    pub const fn new(id: PublicId, until: Timestamp) -> Self {
        Self { id, until }
    }
}

/// The answer to [`Store::index_login`](super::Store::index_login).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an admission that was refused is none"]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no fourth answer")]
pub enum Indexed {
    /// The session is entered.
    Done,
    /// The principal has as many entries as they may: these, or [`IndexLogin::shown`] of them.
    Full(Vec<IndexEntry>),
    /// The principal's sessions of that moment were revoked.
    Revoked,
}

/// The answer of a directory that holds `others` beside the session to be admitted, after `replacing` went.
///
/// For stores whose directory is at hand: `watermark` is the moment up to which the principal's sessions were revoked.
pub fn judge_index_login(
    admission: &IndexLogin,
    watermark: Option<Timestamp>,
    is_entered: bool,
    others: impl Iterator<Item = IndexEntry>,
) -> Indexed {
    if watermark.is_some_and(|before| admission.authenticated_at < before) {
        return Indexed::Revoked;
    }
    let Some(limit) = admission.limit.filter(|_| !is_entered) else { return Indexed::Done };
    let others: Vec<IndexEntry> = others.take(admission.shown()).collect();
    if others.len() < limit { Indexed::Done } else { Indexed::Full(others) }
}

/// A part of a long list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub(crate) after: Option<PublicId>,
    pub(crate) limit: usize,
}

impl Page {
    /// The first `limit` entries.
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// As many entries again, after the last one of the page before.
    pub const fn after(self, last: PublicId) -> Self {
        Self { after: Some(last), limit: self.limit }
    }

    /// The id after which the page starts; `None` for the first.
    pub const fn starts_after(&self) -> Option<PublicId> {
        self.after
    }

    /// How many entries at most.
    pub const fn limit(&self) -> usize {
        self.limit
    }
}
