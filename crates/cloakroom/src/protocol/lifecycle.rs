//! A session's new, use, change of rights and end.

use std::time::Duration;

use super::{TOMBSTONE_LIFE, TOUCH_FRACTION};
use crate::key::Verifier;
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::record::{Credentials, RetiredSecret, Retirement};
use crate::record::{EndReason, Ending, Record, RecordFields, Revision};
use crate::time::Timestamp;
use crate::value::Payload;

/// The record of a session that begins now.
pub fn begin(
    verifier: Verifier,
    lifetime: Lifetime,
    principal: Option<Principal>,
    payload: Payload,
    revision: Revision,
    now: Timestamp,
) -> Record {
    let absolute_deadline = lifetime.absolute_deadline(now);
    Record::new(RecordFields {
        revision,
        idle_deadline: lifetime.idle_deadline(now),
        absolute_deadline,
        created: now,
        authenticated_at: if principal.is_some() { now } else { Timestamp::EPOCH },
        lifetime,
        credentials: Credentials::new(verifier, lifetime.renewal_deadline(now), absolute_deadline),
        principal,
        assurance: Assurance::default(),
        client: ClientInfo::default(),
        payload,
    })
}

/// True once a live record has reached one of its deadlines.
pub fn is_over(record: &Record, now: Timestamp) -> bool {
    record.expires_at().has_passed(now)
}

/// The record as any write at `now` leaves it: used, so its idle deadline moves on.
pub fn used(record: &Record, now: Timestamp) -> Record {
    record.with(|fields| {
        fields.idle_deadline = fields.lifetime.idle_deadline(now).max(fields.idle_deadline)
    })
}

/// The idle deadline to write if the last use noted is long enough ago.
pub fn touch_due(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let idle = record.lifetime().idle_timeout()?;
    let deadline = record.lifetime().idle_deadline(now);
    (deadline.since(record.idle_deadline()) >= idle / TOUCH_FRACTION).then_some(deadline)
}

/// The record with a fresh secret in force at once: `renew`, and one step of `login`.
///
/// Every secret that opened the session until now opens nothing from this write on.
pub fn replace_secret(record: &Record, fresh: Verifier, now: Timestamp) -> Record {
    used(record, now).edited(|fields| {
        let (old, successor) =
            (fields.credentials.current, fields.credentials.successor().copied());
        let mut credentials = fields.credentials.clone().with_successor(None).with_family(None);
        for verifier in [Some(old), successor.map(|successor| successor.verifier)].iter().flatten()
        {
            credentials =
                credentials.with_retired(RetiredSecret::new(verifier, now, Retirement::SignIn));
        }
        credentials.current = fresh;
        credentials.renew_at = fields.lifetime.renewal_deadline(now);
        credentials.cookie_until = fields.absolute_deadline;
        fields.credentials = credentials;
    })
}

/// How a visitor is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum SignIn {
    /// Same session, fresh secret: nobody was signed in, or the same principal was.
    Keep,
    /// Somebody else was signed in: end that session, begin another.
    Switch,
}

/// How to sign `principal` in on a live session.
pub fn plan_sign_in(record: &Record, principal: &Principal) -> SignIn {
    match record.principal() {
        Some(other) if other != principal => SignIn::Switch,
        _ => SignIn::Keep,
    }
}

/// The record of a session on which `principal` signs in: fresh secret, both deadlines from now
/// (NIST SP 800-63B-4 section 5.2: reauthentication resets both).
pub fn sign_in(record: &Record, principal: &Principal, fresh: Verifier, now: Timestamp) -> Record {
    let record = record.with(|fields| {
        fields.absolute_deadline = fields.lifetime.absolute_deadline(now);
        fields.principal = Some(principal.clone());
        fields.authenticated_at = now;
    });
    replace_secret(&record, fresh, now)
}

/// The record with an explicit expiry: it ends `span` from now and no idle timeout cuts that short.
pub fn extend(record: &Record, span: Duration, now: Timestamp) -> Record {
    record.with(|fields| fields.live(fields.lifetime.exactly(span), now))
}

/// The record with a lifetime of its own, counted from now. The cookie must then be sent anew: see [`outlast`](super::outlast).
pub fn give_lifetime(record: &Record, lifetime: Lifetime, now: Timestamp) -> Record {
    record.with(|fields| {
        fields.live(lifetime, now);
        fields.credentials.renew_at = lifetime.renewal_deadline(now);
        fields.credentials.cookie_until = Timestamp::EPOCH;
    })
}

/// How a session that ends now is remembered.
pub fn end(reason: EndReason, now: Timestamp) -> Ending {
    Ending::new(reason, now, now.after(TOMBSTONE_LIFE))
}
