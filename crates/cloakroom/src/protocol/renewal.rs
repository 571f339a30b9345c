//! Timed renewal: a derived secret, and the retirement of the one it was derived from.

use super::status::{Recognised, recognise};
use super::{RENEWAL_GRACE, lifecycle};
use crate::key::{Key, KeyFamily, KindTag, Nonce, Verifier};
use crate::record::Record;
use crate::record::{Credentials, RetiredSecret, Retirement, Successor};
use crate::time::Timestamp;

/// What the renewal of a live session's secret asks of the request that presented one of its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum Renewal {
    /// Nothing.
    Nothing,
    /// A renewal is due: [`start_renewal`], and send the next key if that write wins.
    Start,
    /// A renewal is under way and the visitor has not got the next key yet: send [`next_key`]. No write.
    Resend,
    /// The derived secret was seen for the first time: [`sight`].
    Confirm,
    /// The derived secret was seen again after the grace: [`retire`] the old one.
    Retire,
}

/// What renewal asks of a request that presented the secret with this verifier.
pub fn renewal(record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
    let credentials = record.credentials();
    match (recognise(credentials, presented), credentials.successor()) {
        (Recognised::Current, Some(_)) => Renewal::Resend,
        (Recognised::Current, None) if is_due(record, now) => Renewal::Start,
        (Recognised::Successor, Some(successor)) => match successor.seen {
            None => Renewal::Confirm,
            Some(first) if now.since(first) >= RENEWAL_GRACE => Renewal::Retire,
            Some(_) => Renewal::Nothing,
        },
        _ => Renewal::Nothing,
    }
}

/// True if the secret with this verifier opens the record and nothing at all is asked of the request: the short way to what
/// [`judge`](super::judge), [`renewal`] and [`touch_due`](super::touch_due) say one after the other.
pub fn opens_without_write(
    record: &Record,
    presented: &Verifier,
    renews: bool,
    now: Timestamp,
) -> bool {
    let credentials = record.credentials();
    credentials.current == *presented
        && !lifecycle::is_over(record, now)
        && !(renews && (credentials.successor().is_some() || is_due(record, now)))
        && lifecycle::touch_due(record, now).is_none()
}

/// True if the secret has reached its age, or its cookie would end before the record does.
fn is_due(record: &Record, now: Timestamp) -> bool {
    record.credentials().renew_at.has_passed(now) || cookie_ends_early(record)
}

/// True if the cookie was made for another lifetime, or would end before the record does.
fn cookie_ends_early(record: &Record) -> bool {
    let until = record.credentials().cookie_until;
    until == Timestamp::EPOCH
        || (record.lifetime().outlives_browser() && until < record.absolute_deadline())
}

/// Makes the cookie last as long as a session that was just extended: the record to write and the key to send with it;
/// `None` if the cookie lasts as it is.
///
/// The secret in force is renewed. A renewal under way goes on: its derived key, which no newer one can have followed
/// yet, is sent with the longer life.
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
        Recognised::Current => match next_key(record, presented) {
            Some(next) => next,
            None => return Some(start_renewal(record, presented, kind, nonce, now)),
        },
        Recognised::Successor => presented.clone(),
        Recognised::Retired(_) | Recognised::Never => return None,
    };
    let credentials = record.credentials().clone();
    Some((with_credentials(record, with_cookie_until(record, credentials), now), key))
}

/// The next key for the typed_value of the current one; `None` if no renewal is under way.
pub fn next_key(record: &Record, presented: &Key) -> Option<Key> {
    let successor = record.credentials().successor()?;
    Some(presented.with_secret(presented.secret().next(&successor.nonce)))
}

/// Begins a renewal: the record to write, and the key to send if that write wins.
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

/// The record whose secret is renewed at its next use, whatever its lifetime says, and has no part in the family: for a secret
/// that others may know.
pub fn force_renewal(record: &Record, family: KeyFamily) -> Record {
    record.with(|fields| {
        fields.credentials.cookie_until = Timestamp::EPOCH;
        fields.credentials = fields.credentials.clone().with_family(Some(family));
    })
}

/// Notes the first sighting of the derived secret: the record to write.
pub fn confirm_successor(record: &Record, now: Timestamp) -> Record {
    let credentials = record.credentials().clone();
    let seen = credentials.successor().map(|successor| Successor { seen: Some(now), ..*successor });
    with_credentials(record, credentials.with_successor(seen), now)
}

/// Retires the secret that the derived one replaces: the record to write.
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

/// With a cookie that lasts as long as the record may.
fn with_cookie_until(record: &Record, mut credentials: Credentials) -> Credentials {
    credentials.cookie_until = record.absolute_deadline();
    credentials
}
