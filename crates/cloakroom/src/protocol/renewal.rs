//! Timed renewal: a derived secret, and the retirement of the one it was derived from.

use super::credentials::{Credentials, Replaced, Replacement, Successor};
use super::standing::{Recognised, recognise};
use super::{GRACE, lifecycle};
use crate::key::{Key, KindTag, Lineage, Nonce, Verifier};
use crate::record::Record;
use crate::time::Timestamp;

/// What the renewal of a live session's secret asks of the request that presented one of its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum Upkeep {
    /// Nothing.
    Nothing,
    /// A renewal is due: [`begin_renewal`], and send the next key if that write wins.
    Begin,
    /// A renewal is under way and the visitor has not got the next key yet: send [`next_key`]. No write.
    HandOver,
    /// The derived secret was seen for the first time: [`sight`].
    Sight,
    /// The derived secret was seen again after the grace: [`retire`] the old one.
    Retire,
}

/// What renewal asks of a request that presented the secret with this verifier.
pub fn upkeep(record: &Record, presented: &Verifier, now: Timestamp) -> Upkeep {
    let credentials = record.credentials();
    match (recognise(credentials, presented), credentials.successor()) {
        (Recognised::Current, Some(_)) => Upkeep::HandOver,
        (Recognised::Current, None) if is_due(record, now) => Upkeep::Begin,
        (Recognised::Successor, Some(successor)) => match successor.seen {
            None => Upkeep::Sight,
            Some(first) if now.since(first) >= GRACE => Upkeep::Retire,
            Some(_) => Upkeep::Nothing,
        },
        _ => Upkeep::Nothing,
    }
}

/// True if the secret with this verifier opens the record and nothing at all is asked of the request: the short way to what
/// [`judge`](super::judge), [`upkeep`] and [`touch_due`](super::touch_due) say one after the other.
pub fn opens_quietly(record: &Record, presented: &Verifier, renews: bool, now: Timestamp) -> bool {
    let credentials = record.credentials();
    credentials.current == *presented
        && !lifecycle::is_over(record, now)
        && !(renews && (credentials.successor().is_some() || is_due(record, now)))
        && lifecycle::touch_due(record, now).is_none()
}

/// True if the secret has reached its age, or its cookie would end before the record does.
fn is_due(record: &Record, now: Timestamp) -> bool {
    record.credentials().renew_at.has_passed(now) || is_outgrown(record)
}

/// True if the cookie was made for another lifetime, or would end before the record does.
fn is_outgrown(record: &Record) -> bool {
    let until = record.credentials().cookie_until;
    until == Timestamp::EPOCH || (record.lifetime().outlives_browser() && until < record.absolute_deadline())
}

/// Makes the cookie last as long as a session that was just extended: the record to write and the key to send with it;
/// `None` if the cookie lasts as it is.
///
/// The secret in force is renewed. A renewal under way goes on: its derived key, which no newer one can have followed
/// yet, is sent with the longer life.
pub fn outlast(
    record: &Record,
    presented: &Key,
    kind: KindTag,
    nonce: Nonce,
    now: Timestamp,
) -> Option<(Record, Key)> {
    if !is_outgrown(record) {
        return None;
    }
    let key = match recognise(record.credentials(), &presented.verifier(kind)) {
        Recognised::Current => match next_key(record, presented) {
            Some(next) => next,
            None => return Some(begin_renewal(record, presented, kind, nonce, now)),
        },
        Recognised::Successor => presented.clone(),
        Recognised::Replaced(_) | Recognised::Never => return None,
    };
    let credentials = record.credentials().clone();
    Some((with_credentials(record, outlasting(record, credentials), now), key))
}

/// The next key for the holder of the current one; `None` if no renewal is under way.
pub fn next_key(record: &Record, presented: &Key) -> Option<Key> {
    let successor = record.credentials().successor()?;
    Some(presented.with_secret(presented.secret().next(&successor.nonce)))
}

/// Begins a renewal: the record to write, and the key to send if that write wins.
pub fn begin_renewal(
    record: &Record,
    presented: &Key,
    kind: KindTag,
    nonce: Nonce,
    now: Timestamp,
) -> (Record, Key) {
    let next = presented.with_secret(presented.secret().next(&nonce));
    let successor = Successor { verifier: next.verifier(kind), nonce, seen: None };
    let credentials = record.credentials().clone().with_successor(Some(successor));
    (with_credentials(record, outlasting(record, credentials), now), next)
}

/// The record whose secret is renewed at its next use, whatever its lifetime says, and has no part in the lineage: for a secret
/// that others may know.
pub fn hasten(record: &Record, lineage: Lineage) -> Record {
    record.with(|facts| {
        facts.credentials.cookie_until = Timestamp::EPOCH;
        facts.credentials = facts.credentials.clone().with_lineage(Some(lineage));
    })
}

/// Notes the first sighting of the derived secret: the record to write.
pub fn sight(record: &Record, now: Timestamp) -> Record {
    let credentials = record.credentials().clone();
    let seen = credentials.successor().map(|successor| Successor { seen: Some(now), ..*successor });
    with_credentials(record, credentials.with_successor(seen), now)
}

/// Retires the secret that the derived one replaces: the record to write.
pub fn retire(record: &Record, now: Timestamp) -> Record {
    let mut credentials = record.credentials().clone();
    if let Some(successor) = credentials.successor().copied() {
        let old = Replaced::new(&credentials.current, now, Replacement::Timed);
        let lineage = credentials.lineage();
        credentials = credentials.with_successor(None).with_lineage(Some(lineage)).having_replaced(old);
        credentials.current = successor.verifier;
        credentials.renew_at = record.lifetime().renewal_deadline(now);
    }
    with_credentials(record, credentials, now)
}

fn with_credentials(record: &Record, credentials: Credentials, now: Timestamp) -> Record {
    lifecycle::used(record, now).edited(|facts| facts.credentials = credentials)
}

/// With a cookie that lasts as long as the record may.
fn outlasting(record: &Record, mut credentials: Credentials) -> Credentials {
    credentials.cookie_until = record.absolute_deadline();
    credentials
}
