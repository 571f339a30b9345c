//! A key opens its session until another one replaces it.

use std::collections::BTreeSet;

use cloakroom::record::MAX_RETIRED;

use super::{Bounds, Law, Part, Violation, follows, may_have_missed};
use crate::history::{Action, KeyName, Operation, Outcome, Refusal};

/// After this many further keys, a session no longer knows a key: the one that replaced it, and
/// those whose secrets it remembers.
const FORGOTTEN_AFTER: usize = 1 + MAX_RETIRED;

pub(super) fn check(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    // A change that was refused and happened is told once.
    let mut told = BTreeSet::new();
    for operation in &part.operations {
        let Some(key) = operation.key.as_ref().filter(|key| key.session == part.id) else {
            continue;
        };
        if opens(operation) {
            let is_too_late = |change: &&Operation| {
                is_replaced_by(key, change) && follows(operation, change, bounds)
            };
            if let Some(change) = changes(part).find(is_too_late) {
                let text = format!(
                    "{} ({:?}) opens it with a key that {} had replaced {} ms before",
                    operation.number,
                    operation.action,
                    change.number,
                    (operation.start - change.over()) / 1000
                );
                found.push(part.violation(Law::Revived, text));
            }
        }
        if let Outcome::Refused(Refusal::NotItsKey(why)) = &operation.outcome {
            let enough = if why == Refusal::WRONG_SECRET { FORGOTTEN_AFTER } else { 1 };
            if replacements(part, key, operation).count() >= enough
                || may_be_unknown(part, operation, bounds)
            {
                continue;
            }
            let mut refused = changes_between(part, key, operation)
                .filter(|one| matches!(one.outcome, Outcome::Refused(_)));
            if let Some(change) = refused.next() {
                if told.insert(change.number) {
                    let text = format!(
                        "{} ({:?}) was refused ({:?}), and has replaced the key: {} is refused",
                        change.number, change.action, change.outcome, operation.number
                    );
                    found.push(part.violation(Law::Unasked, text));
                }
                continue;
            }
            let text = format!(
                "{} presents a key that nothing has replaced, and is refused: {why}",
                operation.number
            );
            found.push(part.violation(Law::Lost, text));
        }
    }
    found
}

/// True if so many keys have followed the one that `operation` presents that the session may no
/// longer know it.
pub(super) fn may_be_forgotten(part: &Part<'_>, operation: &Operation) -> bool {
    let followed = |key| replacements(part, key, operation).count() >= FORGOTTEN_AFTER;
    operation.key.as_ref().is_some_and(followed)
}

/// True if the server that answered may have been replaced before it had the key that `operation`
/// presents.
pub(super) fn may_be_unknown(part: &Part<'_>, operation: &Operation, bounds: Bounds<'_>) -> bool {
    let Some(key) = &operation.key else { return false };
    let mut givers = part.operations.iter().filter(|one| gives(one, key)).peekable();
    givers.peek().is_some() && givers.all(|giver| may_have_missed(operation, giver, bounds))
}

/// The changes that have replaced the key before `operation` had its answer, or may have.
fn replacements<'a>(
    part: &'a Part<'_>,
    key: &'a KeyName,
    operation: &'a Operation,
) -> impl Iterator<Item = &'a Operation> {
    changes_between(part, key, operation).filter(|change| may_replace(change, key))
}

/// Sign-ins and renewals on the session between the moment at which a client was given the key and
/// the answer to `operation`.
fn changes_between<'a>(
    part: &'a Part<'_>,
    key: &'a KeyName,
    operation: &'a Operation,
) -> impl Iterator<Item = &'a Operation> {
    let given = part.operations.iter().filter(|one| gives(one, key));
    let given = given.map(|one| one.start).min().unwrap_or(0);
    changes(part).filter(move |one| one.start < operation.over() && one.over() > given)
}

fn changes<'a>(part: &'a Part<'_>) -> impl Iterator<Item = &'a Operation> {
    let changes = |one: &&Operation| matches!(one.action, Action::Login | Action::Renew);
    part.operations.iter().copied().filter(changes)
}

/// True if it succeeded with the key that it presented. A sign-in succeeds with an old one, too,
/// and to sign out of a session that is over succeeds with any.
fn opens(operation: &Operation) -> bool {
    operation.is_done()
        && matches!(operation.action, Action::Read | Action::Increment | Action::Renew)
}

fn gives(operation: &Operation, key: &KeyName) -> bool {
    operation.answer().is_some_and(|answer| answer.key.as_ref() == Some(key))
}

fn is_replaced_by(key: &KeyName, change: &Operation) -> bool {
    let has_another = |answer: &KeyName| answer.session == key.session && answer != key;
    let new = change.answer().and_then(|answer| answer.key.as_ref());
    change.key.as_ref() == Some(key) && new.is_some_and(has_another)
}

/// True if the change has replaced the key, or may have.
fn may_replace(change: &Operation, key: &KeyName) -> bool {
    match &change.outcome {
        Outcome::Done(answer) => answer.key.as_ref().is_some_and(|new| new != key),
        Outcome::Unknown => true,
        Outcome::Refused(_) => false,
    }
}
