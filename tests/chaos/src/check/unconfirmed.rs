//! Increments that a read showed, that no one was told had happened, and that are gone.
//!
//! A master shows what it was asked to write before its replica has it. If the replica takes over
//! first, the client that wrote knows that the outcome is unknown, and the one that read does not.

use std::collections::{BTreeMap, BTreeSet};

use super::tally::sightings;
use super::{Bounds, Law, Part, Violation, follows};
use crate::history::{Action, Operation, Outcome};
use crate::tally::Tally;

/// The numbers of these increments, each with the count that it had made and who saw that first.
pub(super) fn taken_back<'a>(
    part: &Part<'a>,
    bounds: Bounds<'_>,
) -> BTreeMap<u64, (u64, &'a Operation)> {
    let of_part = part.operations.iter();
    let unknown: BTreeSet<u64> = of_part
        .filter(|one| one.action == Action::Increment && one.outcome == Outcome::Unknown)
        .map(|one| one.number)
        .collect();
    let mut shown: BTreeMap<u64, (u64, &Operation)> = BTreeMap::new();
    let mut confirmed = BTreeSet::new();
    for (operation, seen) in sightings(part) {
        for (count, number) in seen.named().filter(|(_, number)| unknown.contains(number)) {
            // What was written on top of it was acknowledged, or it is there at the end.
            if operation.action != Action::Read || operation.is_last_look() {
                confirmed.insert(number);
            }
            let first = shown.entry(number).or_insert((count, operation));
            if operation.over() < first.1.over() {
                *first = (count, operation);
            }
        }
    }
    shown.retain(|number, (count, by)| {
        let lacks = |seen: &Tally| {
            let mut named = seen.named();
            seen.count < *count
                || named.any(|(other, another)| other == *count && another != *number)
        };
        !confirmed.contains(number)
            && sightings(part).any(|(later, seen)| follows(later, by, bounds) && lacks(seen))
    });
    shown
}

pub(super) fn check(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let told = |(number, (count, by)): (u64, (u64, &Operation))| {
        let text = format!(
            "{number} was increment {count} (seen by {}), its outcome is unknown, and it is gone",
            by.number
        );
        part.violation(Law::Unconfirmed, text)
    };
    taken_back(part, bounds).into_iter().map(told).collect()
}
