//! What a presented key is.

use std::time::Duration;

use super::{REUSE_AFTER, SUPERSEDED_FOR, lifecycle};
use crate::key::{KeyFamily, Verifier};
use crate::record::{Credentials, RetiredSecret, Retirement};
use crate::record::{EndReason, Record, Tombstone};
use crate::time::Timestamp;

/// What a presented key is, for the record under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum KeyStatus {
    /// It opens the session.
    Valid,
    /// It opens nothing and may begin something new.
    Invalid(NoSession),
    /// It was replaced a moment ago: it opens nothing and begins nothing, for the visitor's browser very
    /// likely holds the newer key already.
    Superseded,
    /// It was renewed away long ago and is in use all the same: two clients hold copies of one key.
    Reused,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoSession {
    /// No key was presented.
    NoKey,
    /// There is nothing under the key's id, or no key could be read.
    Unknown,
    /// The id is right and the secret never was.
    WrongSecret,
    /// The secret was replaced a moment ago: nothing may begin under this key but a login.
    Superseded,
    /// The secret was replaced some time ago.
    Retired,
    /// The session reached a deadline.
    Expired,
    /// The session was ended; the key is one that opened it.
    Ended(EndReason),
    /// The value can't be decoded, and the policy is to set such records aside.
    Unreadable,
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
    Retired(&'a RetiredSecret),
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
    let replaced = credentials.retired().iter().find(|replaced| replaced.mark == mark);
    replaced.map_or(Recognised::Never, Recognised::Retired)
}

/// What the key with this verifier is at `now`, for a live record; theft is what turns up after [`REUSE_AFTER`].
pub fn judge(record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
    judge_with(record, presented, REUSE_AFTER, now)
}

/// The same, by another span after which a retired secret in use is taken for a copy.
pub fn judge_with(
    record: &Record,
    presented: &Verifier,
    reuse_after: Duration,
    now: Timestamp,
) -> KeyStatus {
    match recognise(record.credentials(), presented) {
        Recognised::Never => KeyStatus::Invalid(NoSession::WrongSecret),
        _ if lifecycle::is_over(record, now) => KeyStatus::Invalid(NoSession::Expired),
        Recognised::Current | Recognised::Successor => KeyStatus::Valid,
        Recognised::Retired(replaced) => judge_replaced(replaced, reuse_after, now),
    }
}

/// Whether the session is still open to who loaded a secret of this family: it was renewed since, or not, but nobody signed in.
pub fn judge_family(record: &Record, family: KeyFamily, now: Timestamp) -> KeyStatus {
    if lifecycle::is_over(record, now) {
        KeyStatus::Invalid(NoSession::Expired)
    } else if record.credentials().family() == family {
        KeyStatus::Valid
    } else {
        KeyStatus::Invalid(NoSession::Retired)
    }
}

fn judge_replaced(replaced: &RetiredSecret, reuse_after: Duration, now: Timestamp) -> KeyStatus {
    let age = now.since(replaced.at);
    match replaced.how {
        Retirement::Timer if age >= reuse_after => KeyStatus::Reused,
        _ if age < SUPERSEDED_FOR => KeyStatus::Superseded,
        _ => KeyStatus::Invalid(NoSession::Retired),
    }
}

/// What the key with this verifier is, for an ended session: only a secret that was its own learns why.
pub fn judge_ended(tombstone: &Tombstone, presented: &Verifier) -> KeyStatus {
    KeyStatus::Invalid(match recognise(tombstone.credentials(), presented) {
        Recognised::Never => NoSession::Unknown,
        _ => NoSession::Ended(tombstone.ending().reason),
    })
}
