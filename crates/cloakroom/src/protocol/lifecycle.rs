//! How a session begins, is used, changes hands and ends.

use std::time::Duration;

use super::{TOMBSTONE_LIFE, TOUCH_FRACTION, device, renewal};
use crate::key::{KindTag, Verifier};
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::record::{
    Credentials, EndReason, Ending, Extensions, Record, RecordFields, RetiredSecret, Retirement,
    Revision, SignInTrace,
};
use crate::time::Timestamp;
use crate::value::Payload;

/// The record of a session of this kind that begins now.
pub fn begin(
    kind: KindTag,
    verifier: Verifier,
    lifetime: Lifetime,
    principal: Option<Principal>,
    payload: Payload,
    revision: Revision,
    now: Timestamp,
) -> Record {
    let mut fields = RecordFields {
        revision,
        idle_deadline: lifetime.idle_deadline(now),
        absolute_deadline: lifetime.absolute_deadline(now),
        created: now,
        authenticated_at: if principal.is_some() { now } else { Timestamp::EPOCH },
        lifetime: lifetime.kept(),
        credentials: Credentials::new(verifier, lifetime.renewal_deadline(now), Timestamp::EPOCH),
        principal,
        assurance: Assurance::default(),
        client: ClientInfo::default(),
        extensions: Extensions::default(),
        kind,
        payload,
    };
    fields.credentials.cookie_until = fields.cookie_deadline(now);
    Record::new(fields)
}

/// True once a live record has reached one of its deadlines.
#[inline]
pub fn is_over(record: &Record, now: Timestamp) -> bool {
    record.expires_at().has_passed(now)
}

/// The record after a use at `now`, which every write counts as: its idle deadline moves on.
///
/// It forgets how the last sign-in derived the secret once no one may repeat that sign-in.
pub fn used(record: &Record, now: Timestamp) -> Record {
    record.with(|fields| {
        if let Some(deadline) = fields.lifetime.moved_deadline(now) {
            fields.idle_deadline = deadline.max(fields.idle_deadline);
        }
        if !fields.extensions.is_empty() {
            let trace = fields.extensions.sign_in().filter(|trace| renewal::is_recent(*trace, now));
            fields.extensions = fields.extensions.with_sign_in(trace);
        }
    })
}

/// The idle deadline to write, if the last recorded use is long enough ago.
#[inline]
pub fn touch_due(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let idle = record.lifetime().idle_timeout()?;
    let deadline = record.lifetime().moved_deadline(now)?;
    (deadline.since(record.idle_deadline()) >= idle / TOUCH_FRACTION).then_some(deadline)
}

/// The record with a fresh secret, which replaces all others at once: `renew`, and a part of
/// `login`.
///
/// From this write on, no secret that opened the session before opens anything. Those that retired
/// on a timer count as retired by a sign-in from then on: that one of them turns up says nothing
/// about the fresh secret. A binding to a device is over.
pub fn replace_secret(record: &Record, fresh: Verifier, now: Timestamp) -> Record {
    replace_usual_secret(&device::release_device(record, now), fresh, now)
}

/// The same, but a binding to a device stays as it is.
pub(super) fn replace_usual_secret(record: &Record, fresh: Verifier, now: Timestamp) -> Record {
    used(record, now).edited(|fields| {
        let old = fields.credentials.clone();
        let mut credentials = old.clone().with_successor(None).with_family(None).after_sign_in();
        let derived = old.successor().map(|successor| successor.verifier);
        let current = Some(old.current).filter(|current| *current != Verifier::NONE);
        for verifier in [current, derived].iter().flatten() {
            let retired = RetiredSecret::new(verifier, now, Retirement::SignIn);
            credentials = credentials.with_retired(retired);
            if verifier.family() != old.family() {
                fields.extensions = fields.extensions.with_family_of(verifier, old.family());
            }
        }
        credentials.current = fresh;
        credentials.renew_at = fields.lifetime.renewal_deadline(now);
        fields.credentials = credentials;
        fields.credentials.cookie_until = fields.cookie_deadline(now);
        fields.extensions = fields.extensions.with_sign_in(None);
    })
}

/// How to sign a principal in on a live session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum SignIn {
    /// Keep the session and replace its secret: no one was signed in, or the same principal was.
    Keep,
    /// End the session and begin another: another principal was signed in.
    Switch,
}

/// How to sign `principal` in on a live session.
pub fn plan_sign_in(record: &Record, principal: &Principal) -> SignIn {
    match record.principal() {
        Some(other) if other != principal => SignIn::Switch,
        _ => SignIn::Keep,
    }
}

/// The record of a session on which `principal` signs in, under the secret that `trace` derives.
///
/// Both deadlines are counted from now (NIST SP 800-63B-4 section 5.2: reauthentication resets
/// both). If the secret is the current one already, the sign-in was repeated: it stays.
pub fn sign_in(
    record: &Record,
    principal: &Principal,
    secret: Verifier,
    trace: Option<SignInTrace>,
    now: Timestamp,
) -> Record {
    let record = record.with(|fields| {
        fields.absolute_deadline = fields.lifetime.absolute_deadline(now);
        fields.principal = Some(principal.clone());
        fields.authenticated_at = now;
    });
    if record.credentials().current == secret {
        return used(&record, now).edited(|fields| {
            // It is sent again.
            fields.credentials.cookie_until = fields.cookie_deadline(now);
        });
    }
    replace_secret(&record, secret, now)
        .edited(|fields| fields.extensions = fields.extensions.with_sign_in(trace))
}

/// The record with an explicit expiry: it ends `span` from now, whether it is used or not, and no
/// later than its absolute deadline.
pub fn extend(record: &Record, span: Duration, now: Timestamp) -> Record {
    record.with(|fields| {
        let lifetime = fields.lifetime.exactly(span);
        fields.lifetime = lifetime.kept();
        fields.idle_deadline = lifetime.idle_deadline(now);
    })
}

/// The record without an explicit expiry, used at `now`: its own idle timeout counts again.
pub fn without_expiry(record: &Record, now: Timestamp) -> Record {
    let record = record.with(|fields| {
        fields.lifetime = fields.lifetime.without_expiry();
        fields.idle_deadline = fields.lifetime.idle_deadline(now);
    });
    used(&record, now)
}

/// The record with this lifetime, counted from now.
///
/// If it had another one, the cookie must be sent again: see
/// [`extend_cookie`](super::extend_cookie). If it had the same, only once its absolute deadline has
/// moved by as much as a renewal is worth, and until then that deadline stays: an application that
/// gives it in every request must not have the key renewed in each.
pub fn give_lifetime(record: &Record, lifetime: Lifetime, now: Timestamp) -> Record {
    let is_same = !lifetime.is_explicit() && *record.lifetime() == lifetime;
    record.with(|fields| {
        let until = fields.absolute_deadline;
        fields.set_lifetime(lifetime, now);
        if !is_same {
            fields.credentials.renew_at = lifetime.renewal_deadline(now);
            fields.credentials.cookie_until = Timestamp::EPOCH;
        } else if fields.absolute_deadline.since(until) < worth_a_key(lifetime, now) {
            fields.absolute_deadline = until;
        }
    })
}

/// By how much a deadline must move for a longer cookie, and so for another key; zero if the cookie
/// lasts until the browser closes.
fn worth_a_key(lifetime: Lifetime, now: Timestamp) -> Duration {
    if !lifetime.outlives_browser() {
        return Duration::ZERO;
    }
    let span = || lifetime.absolute_deadline(now).since(now) / TOUCH_FRACTION;
    lifetime.renewal_timeout().unwrap_or_else(span)
}

/// The ending of a session that ends now.
pub fn end(reason: EndReason, now: Timestamp) -> Ending {
    Ending::new(reason, now, now.after(TOMBSTONE_LIFE))
}
