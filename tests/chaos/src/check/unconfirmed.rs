//! Increments that a read showed before anyone was told that they had happened, and that are gone,
//! or have another place.
//!
//! A master shows what it was asked to write before its replica has it. If the replica takes over
//! first, the client that wrote knows that the outcome is unknown, or makes its change again on the
//! new master, and the one that read does not know.

use std::collections::{BTreeMap, BTreeSet};

use super::tally::sightings;
use super::{Bounds, Law, Part, Violation, follows};
use crate::history::{Action, Operation, Outcome};
use crate::tally::Tally;

/// A count, and the number of the increment that made it.
pub(super) type Place = (u64, u64);

/// The places of these increments, each with who saw it first.
pub(super) fn taken_back<'a>(
    part: &Part<'a>,
    bounds: Bounds<'_>,
) -> BTreeMap<Place, &'a Operation> {
    let of_part = part.operations.iter().filter(|one| one.action == Action::Increment);
    let asked: BTreeMap<u64, &Operation> = of_part.map(|one| (one.number, *one)).collect();
    // What a read shows of an increment that is not acknowledged yet may never come to be.
    let is_early = |read: &Operation, number: u64| {
        asked.get(&number).is_some_and(|increment| match increment.outcome {
            Outcome::Unknown => true,
            Outcome::Done(_) => read.over() < increment.over() || bounds.is_in_takeover(read),
            Outcome::Refused(_) => false,
        })
    };
    let mut shown: BTreeMap<Place, &Operation> = BTreeMap::new();
    let mut confirmed = BTreeSet::new();
    for (operation, seen) in sightings(part) {
        // What was written on top of it was acknowledged, or it is there at the end.
        let confirms = operation.action != Action::Read || operation.is_last_look();
        for place in seen.named() {
            if confirms || !is_early(operation, place.1) {
                confirmed.insert(place);
                continue;
            }
            let first = shown.entry(place).or_insert(operation);
            if operation.over() < first.over() {
                *first = operation;
            }
        }
    }
    shown.retain(|place, by| {
        let (count, number) = *place;
        let lacks = |seen: &Tally| {
            let mut named = seen.named();
            seen.count < count || named.any(|(other, another)| other == count && another != number)
        };
        !confirmed.contains(place)
            && sightings(part).any(|(later, seen)| follows(later, by, bounds) && lacks(seen))
    });
    shown
}

pub(super) fn check(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let told = |((count, number), by): (Place, &Operation)| {
        let text = format!(
            "{number} was increment {count} (seen by {}), was not acknowledged, and is not there",
            by.number
        );
        part.violation(Law::Unconfirmed, text)
    };
    taken_back(part, bounds).into_iter().map(told).collect()
}
