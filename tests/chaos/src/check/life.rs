//! Sessions live until they are ended, and not after that.

use cloakroom::record::EndReason;

use super::{Bounds, Law, Part, Violation, follows, keys};
use crate::history::{Action, Operation, Outcome, Refusal};

pub(super) fn check(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let ends: Vec<&Operation> = ends(part).collect();
    let mut found = Vec::new();
    for operation in &part.operations {
        if let Some(end) = ends.iter().find(|end| revives(part, operation, end, bounds)) {
            let text = format!(
                "{} ({:?}) opens it, {} ({:?}) had ended it {} ms before",
                operation.number,
                operation.action,
                end.number,
                end.action,
                (operation.start - end.over()) / 1000
            );
            found.push(part.violation(Law::Revived, text));
        }
        let why = match &operation.outcome {
            Outcome::Refused(Refusal::Absent) if !may_be_absent(part, operation, bounds) => {
                "the store does not know it"
            }
            Outcome::Refused(Refusal::Ended(reason))
                if !has_cause(part, operation, reason, bounds) =>
            {
                reason
            }
            _ => continue,
        };
        if operation.presented() == Some(part.id) {
            let text = format!("{} finds it over, and nothing ended it: {why}", operation.number);
            found.push(part.violation(Law::Lost, text));
        }
    }
    found
}

/// The acknowledged operations that ended this session, if it was not over before.
fn ends<'a>(part: &Part<'a>) -> impl Iterator<Item = &'a Operation> {
    let id = part.id;
    let sign_outs = part
        .operations
        .iter()
        .filter(move |one| one.action == Action::Logout && one.session() == Some(id));
    let logins: Vec<&Operation> =
        part.of_principal.iter().copied().filter(|one| one.action == Action::Login).collect();
    // Only a sign-in that was acknowledged before is sure to be found.
    let signed_in = logins
        .iter()
        .filter(|login| login.session() == Some(id))
        .map(|login| login.over())
        .min()
        .unwrap_or(u64::MAX);
    let revocations = part.of_principal.iter().filter(move |one| {
        one.action == Action::RevokeAll && one.is_done() && signed_in < one.start
    });
    sign_outs.chain(revocations).copied().collect::<Vec<_>>().into_iter()
}

fn revives(part: &Part<'_>, operation: &Operation, end: &Operation, bounds: Bounds<'_>) -> bool {
    // To sign out of a session that is over succeeds.
    let opens = operation.session() == Some(part.id) && operation.action != Action::Logout;
    if !opens || end.action != Action::RevokeAll || !may_be_over_elsewhere(part, end) {
        return opens && follows(operation, end, bounds);
    }
    // The revocation may have found nothing to end: then its process learns of the end as of any
    // other of another process.
    end.over().saturating_add(bounds.lag_of(operation)) < operation.start
}

/// True if another process may have ended the session before this operation was over.
fn may_be_over_elsewhere(part: &Part<'_>, end: &Operation) -> bool {
    let is_elsewhere = |cause: &Operation| cause.node != end.node && cause.start < end.over();
    let mut own = part.operations.iter();
    let mut others = part.of_principal.iter().filter(|cause| cause.session() != Some(part.id));
    own.any(|cause| cause.action == Action::Logout && is_elsewhere(cause))
        || others.any(|cause| is_elsewhere(cause))
}

/// True if the store that answered may know nothing of the session: a key that is too old is not
/// told that its session was ended.
fn may_be_absent(part: &Part<'_>, operation: &Operation, bounds: Bounds<'_>) -> bool {
    let is_old = || may_be_over(part, operation, bounds) && keys::may_be_forgotten(part, operation);
    keys::may_be_unknown(part, operation, bounds) || is_old()
}

/// True if something that was asked for may have ended the session.
fn may_be_over(part: &Part<'_>, operation: &Operation, bounds: Bounds<'_>) -> bool {
    EndReason::ALL.iter().any(|reason| has_cause(part, operation, reason.as_str(), bounds))
}

/// True if something that was asked for may have ended the session for this reason.
fn has_cause(part: &Part<'_>, operation: &Operation, reason: &str, bounds: Bounds<'_>) -> bool {
    let began = part.operations.first().map_or(0, |first| first.start);
    let is_before = |cause: &Operation| cause.start < operation.over();
    let is_in_its_life = |cause: &Operation| is_before(cause) && cause.over() > began;
    let is = |expected: EndReason| reason == expected.as_str();
    if is(EndReason::SignedOut) {
        return part.operations.iter().any(|cause| {
            let was_refused = matches!(cause.outcome, Outcome::Refused(_));
            cause.action == Action::Logout && !was_refused && is_before(cause)
        });
    }
    if is(EndReason::Revoked) {
        let mut all = part.of_principal.iter();
        return all.any(|cause| cause.action == Action::RevokeAll && is_in_its_life(cause));
    }
    if is(EndReason::OverLimit) {
        // So many others must have signed in, one of them after it.
        let others = part.of_principal.iter().filter(|cause| {
            cause.action == Action::Login && cause.session() != Some(part.id) && is_before(cause)
        });
        let is_full = others.clone().count() >= bounds.limit;
        return is_full && others.into_iter().any(|cause| is_in_its_life(cause));
    }
    false
}
