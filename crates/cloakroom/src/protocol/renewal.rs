//! How the next secret is derived, on a timer and at a sign-in, and how the old one retires.

use super::status::{SecretStatus, recognise};
use super::{CLOCK_SLACK, RENEWAL_GRACE, SIGN_IN_REPEATABLE_FOR, device, lifecycle};
use crate::key::{Carrier, Key, KeyFamily, KindTag, Nonce, Verifier};
use crate::policy::{Assurance, Principal};
use crate::record::{
    BoundDevice, Credentials, Record, RetiredSecret, Retirement, SignInTrace, Successor,
};
use crate::time::Timestamp;

/// What timed renewal asks of a request that presented a secret of a live session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Renewal {
    /// Nothing.
    Nothing,
    /// A renewal is due: write [`start_renewal`], and send the next key if that write wins.
    Start,
    /// The client does not have the next key yet: send [`next_key`] again, without a write.
    Resend,
    /// The derived secret was presented for the first time: write [`confirm_successor`].
    Confirm,
    /// A bound secret was presented for the first time: write
    /// [`confirm_device_by_use`](super::confirm_device_by_use).
    ConfirmDevice,
    /// The derived secret was presented again after the grace period: write [`retire`].
    Retire,
}

/// What renewal asks of a request that presented the secret with this verifier.
#[inline]
pub fn renewal(record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
    if let Some(device) = record.device() {
        if rests(&device, now) {
            let is_first = !device.is_confirmed && device.until(presented).is_some();
            return if is_first { Renewal::ConfirmDevice } else { Renewal::Nothing };
        }
    }
    let credentials = record.credentials();
    let successor = credentials.successor();
    if successor.is_none() && !is_due(record, now) {
        return Renewal::Nothing;
    }
    match (recognise(credentials, presented), successor) {
        (SecretStatus::Current, Some(_)) => Renewal::Resend,
        (SecretStatus::Current, None) => Renewal::Start,
        (SecretStatus::Successor, Some(successor)) => match successor.seen {
            None => Renewal::Confirm,
            Some(first) if now.since(first) >= RENEWAL_GRACE => Renewal::Retire,
            // The clock was set back: count again.
            Some(first) if first.since(now) > CLOCK_SLACK => Renewal::Confirm,
            Some(_) => Renewal::Nothing,
        },
        _ => Renewal::Nothing,
    }
}

/// True if the cookie would end before the session, so that [`extend_cookie`] is needed.
///
/// The cookie of a bound session ends before it on purpose.
pub fn needs_longer_cookie(record: &Record) -> bool {
    record.device().is_none() && cookie_ends_early(record)
}

/// Whether timed renewal rests, because the session is bound to a device or is about to be.
fn rests(device: &BoundDevice, now: Timestamp) -> bool {
    device.is_confirmed || device::has_open_secret(device, now)
}

/// True if the secret is old enough, or its cookie would end before the record does.
fn is_due(record: &Record, now: Timestamp) -> bool {
    let renew_at = record.credentials().renew_at;
    renew_at.has_passed(now) || cookie_ends_early(record) || was_set_back(record, renew_at, now)
}

/// True if the clock was set back since the secret was minted: its renewal would come far too late.
fn was_set_back(record: &Record, renew_at: Timestamp, now: Timestamp) -> bool {
    let timeout = record.lifetime().renewal_timeout();
    timeout.is_some_and(|timeout| {
        renew_at != Timestamp::NEVER && renew_at.since(now) > timeout.saturating_add(CLOCK_SLACK)
    })
}

/// True if the cookie was sent for another lifetime, or would end before the record does.
fn cookie_ends_early(record: &Record) -> bool {
    let until = record.credentials().cookie_until;
    until == Timestamp::EPOCH
        || (record.lifetime().outlives_browser() && until < record.longest_deadline())
}

/// Makes the cookie last as long as a session that was just extended: the record to write and the
/// key to send; `None` if the key is none of the session's.
///
/// The current secret is renewed. If a renewal is in progress, its derived key is sent again with
/// the longer life: no newer key can exist yet.
pub fn extend_cookie(
    record: &Record,
    presented: &Key,
    kind: KindTag,
    nonce: Nonce,
    now: Timestamp,
) -> Option<(Record, Key)> {
    let key = match recognise(record.credentials(), &presented.verifier(kind)) {
        SecretStatus::Current => match next_key(record, presented) {
            Some(next) => next,
            None => return Some(start_renewal(record, presented, kind, nonce, now)),
        },
        SecretStatus::Successor => presented.clone(),
        SecretStatus::Retired(_) | SecretStatus::Unknown => return None,
    };
    let credentials = record.credentials().clone();
    Some((with_credentials(record, with_cookie_until(record, credentials, now), now), key))
}

/// The key that replaces the presented current key; `None` if no renewal is in progress.
pub fn next_key(record: &Record, presented: &Key) -> Option<Key> {
    let successor = record.credentials().successor()?;
    Some(presented.with_secret(presented.secret().next(&successor.nonce)))
}

/// Starts a renewal: the record to write, and the key to send if that write wins.
pub fn start_renewal(
    record: &Record,
    presented: &Key,
    kind: KindTag,
    nonce: Nonce,
    now: Timestamp,
) -> (Record, Key) {
    let next = presented.with_secret(presented.secret().next(&nonce));
    let successor = Successor { verifier: next.verifier(kind), nonce, seen: None };
    let credentials = record.credentials().clone().with_successor(Some(successor));
    (with_credentials(record, with_cookie_until(record, credentials, now), now), next)
}

/// Makes the secret renewed at its next use, whatever the lifetime says, and not a member of its
/// key family: for a secret that others can know.
pub fn force_renewal(record: &Record, family: KeyFamily) -> Record {
    record.with(|fields| {
        fields.credentials.cookie_until = Timestamp::EPOCH;
        fields.credentials = fields.credentials.clone().with_family(Some(family));
    })
}

/// Records the first use of the derived secret: the record to write.
pub fn confirm_successor(record: &Record, now: Timestamp) -> Record {
    let credentials = record.credentials().clone();
    let seen = credentials.successor().map(|successor| Successor { seen: Some(now), ..*successor });
    with_credentials(record, credentials.with_successor(seen), now)
}

/// Replaces the current secret by the derived one: the record to write.
pub fn retire(record: &Record, now: Timestamp) -> Record {
    let mut credentials = record.credentials().clone();
    if let Some(successor) = credentials.successor().copied() {
        let old = RetiredSecret::new(&credentials.current, now, Retirement::Timer);
        let family = credentials.family();
        credentials = credentials.with_successor(None).with_family(Some(family)).with_retired(old);
        credentials.current = successor.verifier;
        credentials.renew_at = record.lifetime().renewal_deadline(now);
    }
    with_credentials(record, credentials, now)
}

fn with_credentials(record: &Record, credentials: Credentials, now: Timestamp) -> Record {
    lifecycle::used(record, now).edited(|fields| fields.credentials = credentials)
}

/// The credentials once the cookie has been sent for as long as the record can last.
fn with_cookie_until(record: &Record, mut credentials: Credentials, now: Timestamp) -> Credentials {
    credentials.cookie_until = record.cookie_deadline(now);
    credentials
}

/// The key that a sign-in gives a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "for the steps and for checkers only")]
pub struct SignInKey {
    /// The key.
    pub key: Key,
    /// How it was derived.
    pub trace: SignInTrace,
}

/// What a sign-in says of its user and of their client.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an argument with three parts")]
pub struct SignInBy<'a> {
    /// Who signs in.
    pub principal: &'a Principal,
    /// How strong the proof is.
    pub assurance: Assurance,
    /// How the key is to travel.
    pub carrier: Carrier,
}

/// The session's key, if it was given by this very sign-in, which is repeated within
/// [`SIGN_IN_REPEATABLE_FOR`]: a double click, or one whose answer was lost.
///
/// Not if this one proves more or less than that one did: a key never opens more than the proof
/// that it was given for.
pub fn repeated_sign_in(
    record: &Record,
    presented: &Key,
    sign_in: SignInBy<'_>,
    kind: KindTag,
    now: Timestamp,
) -> Option<Key> {
    let trace = record.sign_in_trace().filter(|trace| is_recent(*trace, now))?;
    if record.principal() != Some(sign_in.principal) || record.assurance() != sign_in.assurance {
        return None;
    }
    let renewed = trace.renewal.map(|renewal| derived(presented, &renewal));
    [Some(presented), renewed.as_ref()].into_iter().flatten().find_map(|base| {
        let key = derived(base, &trace.nonce).carried_by(sign_in.carrier);
        Some(key).filter(|key| is_given(record, &key.verifier(kind)))
    })
}

/// Whether the sign-in's key has this verifier: once a binding is confirmed, it has retired.
fn is_given(record: &Record, verifier: &Verifier) -> bool {
    match recognise(record.credentials(), verifier) {
        SecretStatus::Current => true,
        SecretStatus::Retired(_) => record.device().is_some_and(|device| device.is_confirmed),
        SecretStatus::Successor | SecretStatus::Unknown => false,
    }
}

/// A fresh key that a sign-in gives the session, by a client that presented one of its keys, past
/// or present.
///
/// Clients that present the current secret, and those that have the one which a timed renewal
/// derived from it, end with one key.
pub fn sign_in_key(
    record: &Record,
    presented: &Key,
    carrier: Carrier,
    kind: KindTag,
    nonce: Nonce,
    now: Timestamp,
) -> SignInKey {
    let successor = record.credentials().successor();
    let is_current =
        || recognise(record.credentials(), &presented.verifier(kind)) == SecretStatus::Current;
    let base = match successor {
        Some(successor) if is_current() => derived(presented, &successor.nonce),
        _ => presented.clone(),
    };
    let trace = SignInTrace::new(now, nonce, successor.map(|successor| successor.nonce));
    SignInKey { key: derived(&base, &nonce).carried_by(carrier), trace }
}

fn derived(key: &Key, nonce: &Nonce) -> Key {
    key.with_secret(key.secret().next(nonce))
}

/// True if the sign-in can still be repeated.
pub(super) fn is_recent(trace: SignInTrace, now: Timestamp) -> bool {
    now.since(trace.at) < SIGN_IN_REPEATABLE_FOR && trace.at.since(now) <= CLOCK_SLACK
}
