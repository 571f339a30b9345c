//! A session's beginning, use, change of rights and end.

use std::sync::Arc;
use std::time::Duration;

use super::credentials::{Credentials, Replaced, Replacement, Ring};
use super::{TOMBSTONE_LIFE, TOUCH_FRACTION};
use crate::client::Client;
use crate::freshness::Assurance;
use crate::key::Verifier;
use crate::lifetime::Lifetime;
use crate::payload::Payload;
use crate::principal::Principal;
use crate::record::{EndReason, Ending, Record, Revision};
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
    let credentials = Credentials {
        current: verifier,
        successor: None,
        renew_at: lifetime.renewal_deadline(now),
        cookie_until: absolute_deadline,
        ring: Ring::default(),
        lineage: None,
    };
    Record {
        revision,
        idle_deadline: lifetime.idle_deadline(now),
        absolute_deadline,
        created: now,
        authenticated_at: principal.is_some().then_some(now),
        lifetime,
        credentials: Arc::new(credentials),
        principal,
        assurance: Assurance::default(),
        client: Client::default(),
        payload,
    }
}

/// True once a live record has reached one of its deadlines.
pub fn is_over(record: &Record, now: Timestamp) -> bool {
    record.expires_at().has_passed(now)
}

/// The record as any write at `now` leaves it: used, so its idle deadline moves on.
pub fn used(record: &Record, now: Timestamp) -> Record {
    let idle_deadline = record.lifetime.idle_deadline(now).max(record.idle_deadline);
    Record { idle_deadline, ..record.clone() }
}

/// The idle deadline to write if the last use noted is long enough ago.
pub fn touch_due(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let idle = record.lifetime.idle()?;
    let deadline = record.lifetime.idle_deadline(now);
    (deadline.since(record.idle_deadline) >= idle / TOUCH_FRACTION).then_some(deadline)
}

/// The record with a fresh secret in force at once: `elevate`, and one step of `login`.
///
/// Every secret that opened the session until now opens nothing from this write on.
pub fn replace_secret(record: &Record, fresh: Verifier, now: Timestamp) -> Record {
    let old = &record.credentials;
    let mut ring = old.ring;
    ring.push(Replaced::new(&old.current, now, Replacement::NoGrace));
    if let Some(successor) = &old.successor {
        ring.push(Replaced::new(&successor.verifier, now, Replacement::NoGrace));
    }
    let credentials = Credentials {
        current: fresh,
        successor: None,
        renew_at: record.lifetime.renewal_deadline(now),
        cookie_until: record.absolute_deadline,
        ring,
        lineage: None,
    };
    Record { credentials: Arc::new(credentials), ..used(record, now) }
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
    let record = Record { absolute_deadline: record.lifetime.absolute_deadline(now), ..record.clone() };
    Record {
        principal: Some(principal.clone()),
        authenticated_at: Some(now),
        ..replace_secret(&record, fresh, now)
    }
}

/// The record with an explicit expiry: it ends `span` from now and no idle timeout cuts that short.
pub fn extend(record: &Record, span: Duration, now: Timestamp) -> Record {
    let lifetime = record.lifetime.exactly(span);
    Record {
        lifetime,
        idle_deadline: lifetime.idle_deadline(now),
        absolute_deadline: lifetime.absolute_deadline(now),
        ..record.clone()
    }
}

/// The record with a lifetime of its own, counted from now. The cookie must then be sent anew: see [`outlast`](super::outlast).
pub fn give_lifetime(record: &Record, lifetime: Lifetime, now: Timestamp) -> Record {
    let credentials = Credentials {
        renew_at: lifetime.renewal_deadline(now),
        cookie_until: Timestamp::EPOCH,
        ..Credentials::clone(&record.credentials)
    };
    Record {
        lifetime,
        idle_deadline: lifetime.idle_deadline(now),
        absolute_deadline: lifetime.absolute_deadline(now),
        credentials: Arc::new(credentials),
        ..record.clone()
    }
}

/// How a session that ends now is remembered.
pub fn end(reason: EndReason, now: Timestamp) -> Ending {
    Ending::new(reason, now, now.after(TOMBSTONE_LIFE))
}
