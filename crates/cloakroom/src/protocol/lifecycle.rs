//! A session's beginning, use, change of rights and end.

use std::time::Duration;

use super::credentials::{Credentials, Replaced, Replacement};
use super::{TOMBSTONE_LIFE, TOUCH_FRACTION};
use crate::client::Client;
use crate::freshness::Assurance;
use crate::key::Verifier;
use crate::lifetime::Lifetime;
use crate::payload::Payload;
use crate::principal::Principal;
use crate::record::{EndReason, Ending, Facts, Record, Revision};
use crate::time::Timestamp;

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
    Record::new(Facts {
        revision,
        idle_deadline: lifetime.idle_deadline(now),
        absolute_deadline,
        created: now,
        authenticated_at: if principal.is_some() { now } else { Timestamp::EPOCH },
        lifetime,
        credentials: Credentials::new(verifier, lifetime.renewal_deadline(now), absolute_deadline),
        principal,
        assurance: Assurance::default(),
        client: Client::default(),
        payload,
    })
}

/// True once a live record has reached one of its deadlines.
pub fn is_over(record: &Record, now: Timestamp) -> bool {
    record.expires_at().has_passed(now)
}

/// The record as any write at `now` leaves it: used, so its idle deadline moves on.
pub fn used(record: &Record, now: Timestamp) -> Record {
    record.with(|facts| facts.idle_deadline = facts.lifetime.idle_deadline(now).max(facts.idle_deadline))
}

/// The idle deadline to write if the last use noted is long enough ago.
pub fn touch_due(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let idle = record.lifetime().idle()?;
    let deadline = record.lifetime().idle_deadline(now);
    (deadline.since(record.idle_deadline()) >= idle / TOUCH_FRACTION).then_some(deadline)
}

/// The record with a fresh secret in force at once: `elevate`, and one step of `login`.
///
/// Every secret that opened the session until now opens nothing from this write on.
pub fn replace_secret(record: &Record, fresh: Verifier, now: Timestamp) -> Record {
    used(record, now).edited(|facts| {
        let (old, successor) = (facts.credentials.current, facts.credentials.successor().copied());
        let mut credentials = facts.credentials.clone().with_successor(None).with_lineage(None);
        for verifier in [Some(old), successor.map(|successor| successor.verifier)].iter().flatten() {
            credentials = credentials.having_replaced(Replaced::new(verifier, now, Replacement::NoGrace));
        }
        credentials.current = fresh;
        credentials.renew_at = facts.lifetime.renewal_deadline(now);
        credentials.cookie_until = facts.absolute_deadline;
        facts.credentials = credentials;
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
    let record = record.with(|facts| {
        facts.absolute_deadline = facts.lifetime.absolute_deadline(now);
        facts.principal = Some(principal.clone());
        facts.authenticated_at = now;
    });
    replace_secret(&record, fresh, now)
}

/// The record with an explicit expiry: it ends `span` from now and no idle timeout cuts that short.
pub fn extend(record: &Record, span: Duration, now: Timestamp) -> Record {
    record.with(|facts| facts.live(facts.lifetime.exactly(span), now))
}

/// The record with a lifetime of its own, counted from now. The cookie must then be sent anew: see [`outlast`](super::outlast).
pub fn give_lifetime(record: &Record, lifetime: Lifetime, now: Timestamp) -> Record {
    record.with(|facts| {
        facts.live(lifetime, now);
        facts.credentials.renew_at = lifetime.renewal_deadline(now);
        facts.credentials.cookie_until = Timestamp::EPOCH;
    })
}

/// How a session that ends now is remembered.
pub fn end(reason: EndReason, now: Timestamp) -> Ending {
    Ending::new(reason, now, now.after(TOMBSTONE_LIFE))
}
