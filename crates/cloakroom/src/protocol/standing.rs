//! What a presented key is.

use std::time::Duration;

use super::credentials::{Credentials, Replaced, Replacement};
use super::{SUPERSEDED_FOR, THEFT_AFTER, lifecycle};
use crate::key::{Lineage, Verifier};
use crate::record::{EndReason, Record, Tombstone};
use crate::time::Timestamp;

/// What a presented key is, for the record under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum Standing {
    /// It opens the session.
    Live,
    /// It opens nothing and may begin something new.
    Vacant(Vacancy),
    /// It was replaced a moment ago: it opens nothing and begins nothing, for the visitor's browser very
    /// likely holds the newer key already.
    Superseded,
    /// It was renewed away long ago and is in use all the same: two clients hold copies of one key.
    Stolen,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vacancy {
    /// No key was presented.
    NoKey,
    /// There is nothing under the key's id, or no key could be read.
    Unknown,
    /// The id is right and the secret never was.
    WrongSecret,
    /// The secret was replaced a moment ago: nothing may begin under this key but a login.
    Superseded,
    /// The secret was replaced some time ago.
    Replaced,
    /// The session reached a deadline.
    Expired,
    /// The session was ended; the key is one that opened it.
    Ended(EndReason),
    /// The value can't be decoded, and the policy is to set such records aside.
    Undecodable,
}

/// Whether a verifier is one of a session's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum Recognised<'a> {
    /// The secret in force.
    Current,
    /// The secret derived from it.
    Successor,
    /// A secret that was replaced.
    Replaced(&'a Replaced),
    /// None of them.
    Never,
}

/// Looks a presented verifier up among a session's own.
pub fn recognise<'a>(credentials: &'a Credentials, presented: &Verifier) -> Recognised<'a> {
    if credentials.current == *presented {
        return Recognised::Current;
    }
    if credentials.successor().is_some_and(|successor| successor.verifier == *presented) {
        return Recognised::Successor;
    }
    let mark = presented.mark();
    let replaced = credentials.replaced().iter().find(|replaced| replaced.mark == mark);
    replaced.map_or(Recognised::Never, Recognised::Replaced)
}

/// What the key with this verifier is at `now`, for a live record; theft is what turns up after [`THEFT_AFTER`].
pub fn judge(record: &Record, presented: &Verifier, now: Timestamp) -> Standing {
    judge_by(record, presented, THEFT_AFTER, now)
}

/// The same, by another span after which a retired secret in use is taken for a copy.
pub fn judge_by(record: &Record, presented: &Verifier, theft_after: Duration, now: Timestamp) -> Standing {
    match recognise(record.credentials(), presented) {
        Recognised::Never => Standing::Vacant(Vacancy::WrongSecret),
        _ if lifecycle::is_over(record, now) => Standing::Vacant(Vacancy::Expired),
        Recognised::Current | Recognised::Successor => Standing::Live,
        Recognised::Replaced(replaced) => judge_replaced(replaced, theft_after, now),
    }
}

/// Whether the session is still open to who held a secret of this lineage: it was renewed since, or not, but nobody signed in.
pub fn judge_lineage(record: &Record, lineage: Lineage, now: Timestamp) -> Standing {
    if lifecycle::is_over(record, now) {
        Standing::Vacant(Vacancy::Expired)
    } else if record.credentials().lineage() == lineage {
        Standing::Live
    } else {
        Standing::Vacant(Vacancy::Replaced)
    }
}

fn judge_replaced(replaced: &Replaced, theft_after: Duration, now: Timestamp) -> Standing {
    let age = now.since(replaced.at);
    match replaced.how {
        Replacement::Timed if age >= theft_after => Standing::Stolen,
        _ if age < SUPERSEDED_FOR => Standing::Superseded,
        _ => Standing::Vacant(Vacancy::Replaced),
    }
}

/// What the key with this verifier is, for an ended session: only a secret that was its own learns why.
pub fn judge_ended(tombstone: &Tombstone, presented: &Verifier) -> Standing {
    Standing::Vacant(match recognise(tombstone.credentials(), presented) {
        Recognised::Never => Vacancy::Unknown,
        _ => Vacancy::Ended(tombstone.ending().reason),
    })
}
