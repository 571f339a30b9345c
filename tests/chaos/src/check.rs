//! Judges a history: what must hold of it whatever failed meanwhile.
//!
//! Pure: it sees only what the clients asked for and were answered. An operation that was over
//! before another began came first; of two that overlap, either may have.

mod keys;
mod life;
mod limit;
mod tally;
#[cfg(test)]
mod tests;
mod unconfirmed;

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Action, Operation};

/// How long after its replacement a server may still be asked to read, in microseconds.
const TAKEOVER: u64 = 2_000_000;

/// What the stores promise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    /// How far a near cache may lag behind, in microseconds.
    pub(crate) max_staleness: u64,
    /// How many sessions a principal can have.
    pub(crate) limit: usize,
    /// When servers may have been replaced.
    pub(crate) takeovers: &'a [Span],
}

/// From one moment to another, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Law {
    /// An acknowledged change is gone, or a session is over for no reason.
    Lost,
    /// An increment counts twice.
    Doubled,
    /// A change happened that was refused, or that was asked of another session.
    Unasked,
    /// A read shows less than had been acknowledged before.
    Stale,
    /// A read showed an increment that was not acknowledged, and that is gone or elsewhere.
    Unconfirmed,
    /// A session lives after it was ended, or opens to a key that was replaced.
    Revived,
    /// A principal has more sessions than the limit.
    OverLimit,
    /// A live session is in no list of its principal, so nothing that ends all would find it.
    Unlisted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) law: Law,
    /// The session, or the principal for a limit.
    pub(crate) of: String,
    pub(crate) text: String,
}

/// All operations that concern one session, in the order in which they began.
struct Part<'a> {
    id: &'a str,
    operations: Vec<&'a Operation>,
    /// What operators and sign-ins did to the same principal's sessions.
    of_principal: &'a [&'a Operation],
}

/// What a history breaks.
pub(crate) fn check(history: &[Operation], bounds: Bounds<'_>) -> Vec<Violation> {
    let mut parts: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    let mut principals: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in history {
        let ids = [operation.presented(), operation.session()];
        for id in ids.into_iter().flatten().collect::<BTreeSet<_>>() {
            parts.entry(id).or_default().push(operation);
        }
        let of_principal = principals.entry(&operation.principal).or_default();
        if matches!(operation.action, Action::RevokeAll | Action::Login) {
            of_principal.push(operation);
        }
    }
    let mut found = Vec::new();
    for (id, mut operations) in parts {
        operations.sort_by_key(|operation| operation.start);
        let Some(principal) = operations.first().map(|first| first.principal.as_str()) else {
            continue;
        };
        let of_principal = principals.get(principal).map_or(&[][..], Vec::as_slice);
        let part = Part { id, operations, of_principal };
        found.extend(unconfirmed::check(&part, bounds));
        found.extend(tally::check(&part, bounds));
        found.extend(life::check(&part, bounds));
        found.extend(keys::check(&part, bounds));
    }
    found.extend(limit::check(history, bounds));
    found
}

impl Part<'_> {
    fn violation(&self, law: Law, text: String) -> Violation {
        Violation { law, of: self.id.to_owned(), text }
    }
}

/// How long after `earlier` a later operation may not know of it yet: only a read through the near
/// cache of another process, or from a server that has just been replaced.
fn lag(later: &Operation, earlier: &Operation, bounds: Bounds<'_>) -> u64 {
    let is_write = earlier.action != Action::Read;
    if is_write && later.node == earlier.node { 0 } else { bounds.lag_of(later) }
}

impl Bounds<'_> {
    /// How far an operation may lag behind what other processes were answered.
    fn lag_of(&self, operation: &Operation) -> u64 {
        if operation.action != Action::Read {
            return 0;
        }
        self.cache_lag(operation) + if self.is_in_takeover(operation) { TAKEOVER } else { 0 }
    }

    fn cache_lag(&self, operation: &Operation) -> u64 {
        if operation.is_cached && operation.action == Action::Read { self.max_staleness } else { 0 }
    }

    /// True if a server that has just been replaced may have answered the operation, or what its
    /// process kept of such an answer.
    fn is_in_takeover(&self, operation: &Operation) -> bool {
        let cached = self.cache_lag(operation);
        let is_takeover =
            |span: &Span| (span.from..span.to.saturating_add(cached)).contains(&operation.start);
        self.takeovers.iter().any(is_takeover)
    }
}

/// True if `later` must know of `earlier`.
fn follows(later: &Operation, earlier: &Operation, bounds: Bounds<'_>) -> bool {
    earlier.over().saturating_add(lag(later, earlier, bounds)) < later.start
}

/// True if the server that answered `later` may have been replaced before `earlier` reached it.
fn may_have_missed(later: &Operation, earlier: &Operation, bounds: Bounds<'_>) -> bool {
    bounds.is_in_takeover(later) && !follows(later, earlier, bounds)
}
