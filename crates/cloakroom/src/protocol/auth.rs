//! Whether a sign-in is recent and strong enough.

use crate::policy::{AuthRequirement, AuthShortfall};
use crate::record::Record;
use crate::time::Timestamp;

/// What the session lacks at `now`; `None` if it meets the requirement.
pub fn auth_shortfall(
    requirement: AuthRequirement,
    record: Option<&Record>,
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
    requirement.max_age().filter(|max| since > *max).map(|_| AuthShortfall::TooLongAgo { since })
}
