//! Whether a presented key opens its session, and why not.

use std::time::Duration;

use super::{CLOCK_SLACK, OFFER_OPEN_FOR, REUSE_AFTER, SUPERSEDED_FOR, device, lifecycle};
use crate::key::{KeyFamily, KindTag, Verifier};
use crate::record::{
    BoundDevice, Credentials, EndReason, Record, RetiredSecret, Retirement, Tombstone,
};
use crate::time::Timestamp;

/// Whether a presented key opens the session under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum KeyStatus {
    /// It opens the session.
    Valid,
    /// It opens nothing, and the request can begin a new session.
    Invalid(NoSession),
    /// It was replaced a moment ago. It opens nothing, and the request begins nothing, since the
    /// browser probably has the newer key already.
    Superseded,
    /// It was renewed long ago and is still in use: two clients hold copies of one key.
    Reused,
}

/// Why a request has no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoSession {
    /// The request presented no key.
    NoKey,
    /// The store has no session under the key's id, or the key could not be parsed.
    Unknown,
    /// The session exists, and the key's secret never opened it.
    WrongSecret,
    /// The key was replaced a moment ago. Send the request again with the newer cookie; with this
    /// key only a login can begin.
    Superseded,
    /// The key was replaced some time ago.
    Retired,
    /// The session reached its idle or absolute timeout. The user can sign in again.
    Expired,
    /// The session was ended for this reason; the key is one that opened it.
    Ended(EndReason),
    /// The session cannot be read: another version of the application wrote it, or it is damaged.
    ///
    /// The client keeps its key, and only a login can begin: see
    /// [`UnreadablePolicy`](crate::policy::UnreadablePolicy).
    Unreadable,
    /// The session is bound to a device, and the request came without a secret that is still good:
    /// the cookie is a copy, or the browser could not refresh it.
    ///
    /// Nothing begins, because the browser has a key for the session. A browser refreshes before
    /// the next request by itself; a login begins or takes over a session all the same.
    ProofNeeded,
    /// Another site started the request, and its browser may have kept the cookie back
    /// (`SameSite`).
    ///
    /// Nothing begins, because a new cookie would replace the one that the browser has. Lead the
    /// user to a page of yours: under Lax by a redirect (303), whose request carries the cookie;
    /// under Strict by a page that leads on by itself, since a redirect is still the other site's.
    /// `SessionLayer::redirect_withheld` does either.
    Withheld,
}

impl NoSession {
    /// How much this says about why a request has no session; of several keys, the one that says
    /// most counts.
    pub(super) const fn weight(self) -> u8 {
        match self {
            Self::Superseded => 8,
            Self::Unreadable => 7,
            Self::ProofNeeded => 6,
            Self::Retired => 4,
            Self::Ended(_) => 3,
            Self::Expired => 2,
            Self::WrongSecret => 1,
            Self::Unknown | Self::NoKey | Self::Withheld => 0,
        }
    }
}

impl KeyStatus {
    /// How much this says, as [`NoSession::weight`]: a reused key more than a retired one.
    pub(super) const fn weight(self) -> u8 {
        match self {
            Self::Valid => u8::MAX,
            Self::Superseded => NoSession::Superseded.weight(),
            Self::Reused => NoSession::Retired.weight() + 1,
            Self::Invalid(no_session) => no_session.weight(),
        }
    }
}

/// What a verifier is to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum SecretStatus<'a> {
    /// The current secret.
    Current,
    /// The secret derived from the current one.
    Successor,
    /// A secret that retired.
    Retired(&'a RetiredSecret),
    /// None of the session's secrets.
    Unknown,
}

/// Looks up a presented verifier among those of a session.
#[inline]
pub fn recognise<'a>(credentials: &'a Credentials, presented: &Verifier) -> SecretStatus<'a> {
    if credentials.current == *presented {
        return SecretStatus::Current;
    }
    if credentials.successor().is_some_and(|successor| successor.verifier == *presented) {
        return SecretStatus::Successor;
    }
    recognise_retired(credentials, presented)
}

#[cold]
fn recognise_retired<'a>(credentials: &'a Credentials, presented: &Verifier) -> SecretStatus<'a> {
    let prefix = presented.prefix();
    let retired = credentials.retired().iter().find(|retired| retired.prefix == prefix);
    retired.map_or(SecretStatus::Unknown, SecretStatus::Retired)
}

/// Whether the key with this verifier opens a live record at `now`.
///
/// A secret that is presented [`REUSE_AFTER`] after its retirement counts as a copy.
pub fn judge(record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
    judge_with(record, presented, REUSE_AFTER, now)
}

/// Like [`judge`], with another span after which a retired secret counts as a copy.
#[inline]
pub fn judge_with(
    record: &Record,
    presented: &Verifier,
    reuse_after: Duration,
    now: Timestamp,
) -> KeyStatus {
    if let Some(device) = record.device() {
        if let Some(status) = judge_bound(record, &device, presented, now) {
            return status;
        }
    }
    match recognise(record.credentials(), presented) {
        SecretStatus::Unknown => KeyStatus::Invalid(NoSession::WrongSecret),
        _ if lifecycle::is_over(record, now) => KeyStatus::Invalid(NoSession::Expired),
        SecretStatus::Current | SecretStatus::Successor => KeyStatus::Valid,
        SecretStatus::Retired(retired) => judge_retired(retired, reuse_after, now),
    }
}

/// Whether the key with this verifier opens a session that is bound to a device; `None` if that
/// depends on the usual secrets.
fn judge_bound(
    record: &Record,
    device: &BoundDevice,
    presented: &Verifier,
    now: Timestamp,
) -> Option<KeyStatus> {
    let is_bound = device.until(presented).is_some();
    if !is_bound && !device.is_confirmed {
        return None;
    }
    if lifecycle::is_over(record, now) {
        return is_bound.then_some(KeyStatus::Invalid(NoSession::Expired));
    }
    if device::open_until(record, device, presented, now).is_some() {
        return Some(KeyStatus::Valid);
    }
    Some(match recognise(record.credentials(), presented) {
        SecretStatus::Retired(retired)
            if judge_retired(retired, REUSE_AFTER, now) == KeyStatus::Superseded =>
        {
            KeyStatus::Superseded
        }
        // Perhaps one that was good once: which ones were is not remembered for long.
        _ => KeyStatus::Invalid(NoSession::ProofNeeded),
    })
}

/// Whether a session that was opened by a secret of this key family is still open to that secret's
/// holder.
///
/// It is, however often it was renewed on a timer, until a `login` or `renew`. If the session is
/// bound to a device, it is over at `until`, the deadline of that secret, even if the browser has
/// refreshed since: the secret can have been a copy. One from before the binding has no deadline,
/// and the first minutes of the binding.
pub fn judge_family(
    record: &Record,
    family: KeyFamily,
    until: Option<Timestamp>,
    now: Timestamp,
) -> KeyStatus {
    if lifecycle::is_over(record, now) {
        return KeyStatus::Invalid(NoSession::Expired);
    }
    if record.credentials().family() != family {
        return KeyStatus::Invalid(NoSession::Retired);
    }
    match record.device().filter(|device| device.is_confirmed) {
        Some(device) => {
            let until = until.unwrap_or(device.bound_at.after(OFFER_OPEN_FOR));
            if device::is_closed(until, now) {
                KeyStatus::Invalid(NoSession::ProofNeeded)
            } else {
                KeyStatus::Valid
            }
        }
        None => KeyStatus::Valid,
    }
}

/// The status of a session that the application itself names.
pub fn judge_id(record: &Record, kind: KindTag, now: Timestamp) -> KeyStatus {
    if record.kind() != kind {
        KeyStatus::Invalid(NoSession::Unknown)
    } else if lifecycle::is_over(record, now) {
        KeyStatus::Invalid(NoSession::Expired)
    } else {
        KeyStatus::Valid
    }
}

fn judge_retired(retired: &RetiredSecret, reuse_after: Duration, now: Timestamp) -> KeyStatus {
    let age = now.since(retired.at);
    // If the clock was set back, a key must not count as just replaced until it has caught up.
    let is_recent = age < SUPERSEDED_FOR && retired.at.since(now) <= CLOCK_SLACK;
    match retired.how {
        Retirement::Timer if age >= reuse_after.saturating_add(CLOCK_SLACK) => KeyStatus::Reused,
        _ if is_recent => KeyStatus::Superseded,
        _ => KeyStatus::Invalid(NoSession::Retired),
    }
}

/// The key family that a secret belonged to which opens the session no more.
///
/// `None` if that is the session's present family, of which such a secret proves nothing, or if it
/// is not remembered.
pub fn former_family(record: &Record, presented: &Verifier) -> Option<KeyFamily> {
    let family = record.extensions().family_of(presented).unwrap_or_else(|| presented.family());
    match recognise(record.credentials(), presented) {
        SecretStatus::Retired(_) => {
            Some(family).filter(|old| *old != record.credentials().family())
        }
        _ => None,
    }
}

/// Why the key with this verifier does not open an ended session: only a key that opened it is told
/// the reason.
pub fn judge_ended(tombstone: &Tombstone, presented: &Verifier) -> KeyStatus {
    let device = tombstone.extensions().device();
    let opened_it = device.is_some_and(|device| device.until(presented).is_some());
    KeyStatus::Invalid(match recognise(tombstone.credentials(), presented) {
        SecretStatus::Unknown if !opened_it => NoSession::Unknown,
        _ => NoSession::Ended(tombstone.ending().reason),
    })
}
