//! Increments: all that were acknowledged, none twice, and no others.

use std::collections::{BTreeMap, HashMap};

use super::{Bounds, Law, Part, Violation, unconfirmed};
use crate::history::{Action, Operation, Outcome};
use crate::tally::Tally;

pub(super) fn check(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let mut found = names(part, bounds);
    found.extend(counts(part, bounds));
    found
}

/// What this session's clients saw of it, without what was never confirmed.
fn confirmed<'a>(
    part: &Part<'a>,
    bounds: Bounds<'_>,
) -> impl Iterator<Item = (&'a Operation, &'a Tally)> {
    let taken_back = unconfirmed::taken_back(part, bounds);
    let has_none = move |seen: &Tally| !seen.named().any(|place| taken_back.contains_key(&place));
    sightings(part).filter(move |(_, seen)| has_none(seen))
}

/// What this session's clients saw of it.
pub(super) fn sightings<'a>(part: &Part<'a>) -> impl Iterator<Item = (&'a Operation, &'a Tally)> {
    let of_this = |operation: &&&Operation| operation.session() == Some(part.id);
    let operations = part.operations.iter().filter(of_this);
    let seen = operations.filter_map(|operation| Some((*operation, operation.answer()?)));
    seen.filter_map(|(operation, answer)| Some((operation, answer.seen.as_ref()?)))
        .collect::<Vec<_>>()
        .into_iter()
}

/// All that was seen must be parts of one list of increments, each of which was asked for.
fn names(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    // What made the count this number, and who saw that first.
    let mut list: BTreeMap<u64, (u64, &Operation)> = BTreeMap::new();
    for (operation, seen) in confirmed(part, bounds) {
        for (count, number) in seen.named() {
            let (first, by) = *list.entry(count).or_insert((number, operation));
            if first != number {
                let text = format!(
                    "increment {count} was {first} (seen by {}), and is {number} (seen by {})",
                    by.number, operation.number
                );
                found.push(part.violation(Law::Lost, text));
                break;
            }
        }
    }
    let asked: HashMap<u64, &Operation> = part
        .operations
        .iter()
        .filter(|operation| operation.action == Action::Increment)
        .map(|operation| (operation.number, *operation))
        .collect();
    let mut places = HashMap::new();
    for (count, (number, by)) in list {
        if let Some(other) = places.insert(number, count) {
            let text = format!("{number} is increment {other} and {count} (seen by {})", by.number);
            found.push(part.violation(Law::Doubled, text));
        }
        let why = match asked.get(&number).map(|operation| &operation.outcome) {
            Some(Outcome::Refused(refusal)) => format!("was refused: {refusal:?}"),
            Some(_) => continue,
            None => "was not asked of this session".to_owned(),
        };
        let text = format!("{number} is increment {count} (seen by {}), and {why}", by.number);
        found.push(part.violation(Law::Unasked, text));
    }
    found
}

/// No one sees less than was acknowledged before.
fn counts(part: &Part<'_>, bounds: Bounds<'_>) -> Vec<Violation> {
    let all = Acknowledged::of(confirmed(part, bounds));
    let mut of_node: BTreeMap<u32, Vec<(&Operation, &Tally)>> = BTreeMap::new();
    for (operation, seen) in confirmed(part, bounds).filter(|(one, _)| one.action != Action::Read) {
        of_node.entry(operation.node).or_default().push((operation, seen));
    }
    let of_node: BTreeMap<_, _> = of_node
        .into_iter()
        .map(|(node, seen)| (node, Acknowledged::of(seen.into_iter())))
        .collect();
    let mut found = Vec::new();
    for (operation, seen) in confirmed(part, bounds) {
        let lag = bounds.lag_of(operation);
        let known = if lag > 0 {
            let from_others = all.before(operation.start.saturating_sub(lag));
            let own = of_node.get(&operation.node).and_then(|own| own.before(operation.start));
            from_others.into_iter().chain(own).max_by_key(|(count, _)| *count)
        } else {
            all.before(operation.start)
        };
        if let Some((count, by)) = known.filter(|(count, _)| *count > seen.count) {
            let is_lost = operation.action != Action::Read || operation.is_last_look();
            let law = if is_lost { Law::Lost } else { Law::Stale };
            let ago = operation.start.saturating_sub(by.over()) / 1000;
            let text = format!(
                "{} sees {} increments, {} saw {count} and was answered {ago} ms before",
                operation.number, seen.count, by.number
            );
            found.push(part.violation(law, text));
        }
    }
    found
}

/// What had been seen at each moment.
struct Acknowledged<'a>(Vec<(u64, u64, &'a Operation)>);

impl<'a> Acknowledged<'a> {
    fn of(seen: impl Iterator<Item = (&'a Operation, &'a Tally)>) -> Self {
        let mut list: Vec<_> =
            seen.map(|(operation, tally)| (operation.over(), tally.count, operation)).collect();
        list.sort_by_key(|(over, ..)| *over);
        for at in 1..list.len() {
            if list[at].1 < list[at - 1].1 {
                (list[at].1, list[at].2) = (list[at - 1].1, list[at - 1].2);
            }
        }
        Self(list)
    }

    /// The largest count that was answered before this moment, and to which operation.
    fn before(&self, moment: u64) -> Option<(u64, &'a Operation)> {
        let later = self.0.partition_point(|(over, ..)| *over < moment);
        self.0[..later].last().map(|(_, count, operation)| (*count, *operation))
    }
}
