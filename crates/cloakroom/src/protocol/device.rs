//! Sessions that are bound to a device: challenges, proofs, and the secrets that follow.
//!
//! ```text
//! login      an offer: the record gets a seed, the response a registration header
//! register   a device key and a first bound secret; the usual secrets still open the session
//! confirmed  a bound secret was presented or a proof accepted: the usual secrets have retired
//! refresh    a proof by the device's key gives another bound secret, good for minutes
//! ```
//!
//! A bound secret opens the session until its own deadline and is never renewed by being used.
//! Only a proof leads to a later deadline.

mod challenge;
mod registration;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use challenge::{Authorization, CHALLENGE_SLOT, Challenge, ChallengeFor, Challenger};
pub use registration::{
    OFFER_OPEN_FOR, Registration, can_register, is_authorized, is_being_bound, offer_binding,
    register_device, registration,
};

use super::{CLOCK_SLACK, RENEWAL_GRACE, SecretStatus, lifecycle, recognise};
use crate::key::Verifier;
use crate::record::{
    BoundDevice, BoundSecret, MAX_BOUND_SECRETS, Record, RecordFields, RetiredSecret, Retirement,
};
use crate::time::Timestamp;

/// The longest time for which a bound secret can be good, whatever the policy says.
///
/// One that seems to be good for longer was written before the clock was set back.
pub(crate) const MAX_BOUND_LIFE: Duration = Duration::from_secs(60 * 60);

/// How long a challenge is good once a proof of it has been accepted.
///
/// Browsers refresh in parallel, and send a proof again whose answer they did not get.
pub const PROOF_REPEATABLE_FOR: Duration = Duration::from_secs(30);

/// The challenge for the next refresh of a bound session.
pub fn refresh_challenge(
    device: &BoundDevice,
    challenger: Challenger<'_>,
    now: Timestamp,
) -> Challenge {
    challenger.now(&device.seed, ChallengeFor::Refresh(device.proofs), now)
}

/// What a challenge is that a device has signed for a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum ChallengeStatus {
    /// The present one.
    Current,
    /// The one before, of which a proof was accepted a moment ago.
    Previous,
    /// An older one, or none of this session's.
    Stale,
}

/// What this challenge is to the session.
pub fn judge_challenge(
    device: &BoundDevice,
    challenger: Challenger<'_>,
    challenge: &Challenge,
    now: Timestamp,
) -> ChallengeStatus {
    let is_of =
        |proofs| challenger.is_recent(&device.seed, ChallengeFor::Refresh(proofs), challenge, now);
    if is_of(device.proofs) {
        return ChallengeStatus::Current;
    }
    let is_repeatable = now.since(device.proved_at) < PROOF_REPEATABLE_FOR
        && device.proved_at.since(now) <= CLOCK_SLACK;
    match device.proofs.checked_sub(1) {
        Some(before) if is_repeatable && is_of(before) => ChallengeStatus::Previous,
        _ => ChallengeStatus::Stale,
    }
}

/// The record after a proof of this challenge, with another secret; `None` if there is no room for
/// one, because too many are on their way.
///
/// It is no use of the session: the idle timeout counts on. A proof that is sent again leads to no
/// later deadline than the first.
pub fn accept_proof(
    record: &Record,
    challenge: ChallengeStatus,
    secret: Verifier,
    life: Duration,
    now: Timestamp,
) -> Option<Record> {
    let record = confirm_device(record, now);
    let mut device = record.device()?;
    if challenge == ChallengeStatus::Current {
        device.proofs = device.proofs.wrapping_add(1);
        device.proved_at = now;
    }
    let until = device.proved_at.after(life);
    with_secret(&record, device, secret, life, now, until)
}

/// The record with another bound secret. Those that are over give way, and then the oldest, unless
/// it may not have reached its browser yet.
fn with_secret(
    record: &Record,
    mut device: BoundDevice,
    secret: Verifier,
    life: Duration,
    now: Timestamp,
    until: Timestamp,
) -> Option<Record> {
    // Of one that is over, nothing is kept: its holder is to prove who they are.
    device.secrets.retain(|secret| !is_closed(secret.until, now));
    device.secrets.sort_by_key(|secret| secret.until);
    let mut removed = None;
    if device.secrets.len() >= MAX_BOUND_SECRETS {
        let oldest = device.secrets.first()?;
        if now.after(life).since(oldest.until) < RENEWAL_GRACE {
            return None;
        }
        removed = Some(device.secrets.remove(0));
    }
    device.secrets.push(BoundSecret::new(secret, until));
    let extensions = record.extensions().with_device(&device)?;
    Some(record.with(|fields| {
        fields.extensions = extensions;
        if let Some(secret) = removed {
            retire_bound(fields, &secret, now);
        }
    }))
}

/// The record once its binding is confirmed: only bound secrets open it from then on, and for
/// [`RENEWAL_GRACE`] the usual ones, with which requests can be on their way.
///
/// The key family stays, so that open pages and detached sessions go on.
pub fn confirm_device(record: &Record, now: Timestamp) -> Record {
    let Some(mut device) = record.device().filter(|device| !device.is_confirmed) else {
        return record.clone();
    };
    device.is_confirmed = true;
    let Some(extensions) = record.extensions().with_device_offer(None).with_device(&device) else {
        return record.clone();
    };
    record.with(|fields| {
        fields.extensions = extensions;
        let old = fields.credentials.clone();
        let mut credentials = old.clone().with_successor(None).with_family(Some(old.family()));
        let derived = old.successor().map(|successor| successor.verifier);
        for verifier in [Some(old.current), derived].iter().flatten() {
            let retired = RetiredSecret::new(verifier, now, Retirement::Timer);
            credentials = credentials.with_retired(retired);
        }
        credentials.current = Verifier::NONE;
        fields.credentials = credentials;
    })
}

/// The record as it is used by a request that presented a bound secret for the first time.
pub fn confirm_device_by_use(record: &Record, now: Timestamp) -> Record {
    lifecycle::used(&confirm_device(record, now), now)
}

/// Until when this secret opens the bound session, if it does: its deadline, or for a usual one the
/// end of [`RENEWAL_GRACE`] after the confirmation.
pub(super) fn open_until(
    record: &Record,
    device: &BoundDevice,
    presented: &Verifier,
    now: Timestamp,
) -> Option<Timestamp> {
    if let Some(until) = device.until(presented) {
        return Some(until).filter(|until| !is_closed(*until, now));
    }
    match recognise(record.credentials(), presented) {
        SecretStatus::Retired(retired) if retired.how == Retirement::Timer => {
            let until = retired.at.after(RENEWAL_GRACE);
            let is_past = until.has_passed(now) || retired.at.since(now) > CLOCK_SLACK;
            Some(until).filter(|_| !is_past)
        }
        _ => None,
    }
}

/// Until when a secret that opens the session does so, if the session is bound to a device and the
/// binding is confirmed, or confirmed by this secret.
pub fn bound_until(record: &Record, presented: &Verifier, now: Timestamp) -> Option<Timestamp> {
    let device = record.device()?;
    let opens = device.is_confirmed || device.until(presented).is_some();
    open_until(record, &device, presented, now).filter(|_| opens)
}

/// The record without its device: a sign-in drops the binding. Its secrets open nothing more.
///
/// A confirmed one leaves no usual secret either: the caller gives the session another.
pub fn release_device(record: &Record, now: Timestamp) -> Record {
    let Some(device) = record.device() else { return record.clone() };
    record.with(|fields| {
        fields.extensions = fields.extensions.without_device();
        for secret in &device.secrets {
            retire_bound(fields, secret, now);
        }
    })
}

/// The record of a bound session under a fresh secret, for as long as the presented one would have
/// opened it: `renew`. `None` if the presented secret does not open it.
///
/// Before the binding is confirmed, a usual secret is replaced alone: the browser may have bound
/// the session, and be about to use it.
pub fn renew_bound(
    record: &Record,
    presented: &Verifier,
    fresh: Verifier,
    now: Timestamp,
) -> Option<Record> {
    let device = record.device()?;
    if !device.is_confirmed && device.until(presented).is_none() {
        return Some(lifecycle::replace_usual_secret(record, fresh, now));
    }
    let record = lifecycle::used(&confirm_device(record, now), now);
    let mut device = record.device()?;
    // A usual one is good for a minute, but leads no further than the proofs have led.
    let until = open_until(&record, &device, presented, now)?.min(device.open_until());
    let old = std::mem::replace(&mut device.secrets, vec![BoundSecret::new(fresh, until)]);
    let extensions = record.extensions().with_device(&device)?;
    Some(record.with(|fields| {
        fields.extensions = extensions;
        for secret in &old {
            retire_bound(fields, secret, now);
        }
        let credentials = fields.credentials.clone().after_sign_in();
        fields.credentials = credentials.with_family(Some(fresh.family()));
    }))
}

/// Remembers a bound secret that opens the session no more, and the key family that it had.
fn retire_bound(fields: &mut RecordFields, secret: &BoundSecret, at: Timestamp) {
    let family = fields.credentials.family();
    let retired = RetiredSecret::new(&secret.verifier, at, Retirement::SignIn);
    fields.credentials = fields.credentials.clone().with_retired(retired);
    fields.extensions = fields.extensions.with_family_of(&secret.verifier, family);
}

/// Whether a bound secret with this deadline opens nothing any more. Nodes' clocks differ.
pub(super) fn is_closed(until: Timestamp, now: Timestamp) -> bool {
    until.after(CLOCK_SLACK).has_passed(now) || until.since(now) > MAX_BOUND_LIFE + CLOCK_SLACK
}

/// Whether any bound secret still opens the session.
pub(super) fn has_open_secret(device: &BoundDevice, now: Timestamp) -> bool {
    device.secrets().iter().any(|secret| !is_closed(secret.until, now))
}

/// Whether the session's holder can open it now without a proof.
pub fn is_open_without_proof(record: &Record, now: Timestamp) -> bool {
    record.device().is_none_or(|device| !device.is_confirmed || has_open_secret(&device, now))
}
