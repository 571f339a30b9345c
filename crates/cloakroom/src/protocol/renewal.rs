//! Timed renewal: how the next secret is derived and the old one retires.

use super::status::{SecretStatus, recognise};
use super::{RENEWAL_GRACE, lifecycle};
use crate::key::{Key, KeyFamily, KindTag, Nonce, Verifier};
use crate::record::{Credentials, Record, RetiredSecret, Retirement, Successor};
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
    /// The derived secret was presented again after the grace period: write [`retire`].
    Retire,
}

/// What renewal asks of a request that presented the secret with this verifier.
#[inline]
pub fn renewal(record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
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
            Some(_) => Renewal::Nothing,
        },
        _ => Renewal::Nothing,
    }
}

/// True if the secret is old enough, or its cookie would end before the record does.
fn is_due(record: &Record, now: Timestamp) -> bool {
    record.credentials().renew_at.has_passed(now) || cookie_ends_early(record)
}

/// True if the cookie was sent for another lifetime, or would end before the record does.
fn cookie_ends_early(record: &Record) -> bool {
    let until = record.credentials().cookie_until;
    until == Timestamp::EPOCH
        || (record.lifetime().outlives_browser() && until < record.absolute_deadline())
}

/// Makes the cookie last as long as a session that was just extended: the record to write and the
/// key to send; `None` if the cookie lasts long enough.
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
    if !cookie_ends_early(record) {
        return None;
    }
    let key = match recognise(record.credentials(), &presented.verifier(kind)) {
        SecretStatus::Current => match next_key(record, presented) {
            Some(next) => next,
            None => return Some(start_renewal(record, presented, kind, nonce, now)),
        },
        SecretStatus::Successor => presented.clone(),
        SecretStatus::Retired(_) | SecretStatus::Unknown => return None,
    };
    let credentials = record.credentials().clone();
    Some((with_credentials(record, with_cookie_until(record, credentials), now), key))
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
    (with_credentials(record, with_cookie_until(record, credentials), now), next)
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
fn with_cookie_until(record: &Record, mut credentials: Credentials) -> Credentials {
    credentials.cookie_until = record.absolute_deadline();
    credentials
}
