//! Whether a sign-in is recent and strong enough.

use crate::key::Verifier;
use crate::policy::{Assurance, AuthRequirement, AuthShortfall};
use crate::record::Record;
use crate::time::Timestamp;

/// What the session lacks at `now`; `None` if it meets the requirement. From the assurance
/// `bound_from` on, a requirement asks for a bound session, too, and for one of its own secrets if
/// one was presented.
pub fn auth_shortfall(
    requirement: AuthRequirement,
    bound_from: Option<Assurance>,
    record: Option<&Record>,
    presented: Option<&Verifier>,
    now: Timestamp,
) -> Option<AuthShortfall> {
    let signed_in = record.filter(|record| record.principal().is_some());
    let Some((record, at)) =
        signed_in.and_then(|record| Some((record, record.authenticated_at()?)))
    else {
        return Some(AuthShortfall::SignedOut);
    };
    if record.assurance() < requirement.assurance() {
        return Some(AuthShortfall::TooWeak { needed: requirement.assurance() });
    }
    let since = now.since(at);
    if requirement.max_age().is_some_and(|max| since > max) {
        return Some(AuthShortfall::TooLongAgo { since });
    }
    let must_be_bound = requirement.is_device_bound()
        || bound_from.is_some_and(|least| requirement.assurance() >= least);
    // With a key from before the binding, a copy passes for a minute, but not here.
    let is_bound = || {
        record.device().is_some_and(|device| {
            device.is_confirmed && presented.is_none_or(|it| device.until(it).is_some())
        })
    };
    (must_be_bound && !is_bound()).then_some(AuthShortfall::NotBound)
}
