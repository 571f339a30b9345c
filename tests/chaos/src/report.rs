//! What a run found, as a table, as JSON, and the histories of sessions of which a law is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cloakroom::record::EndReason;
use serde::Serialize;

use crate::check::{Law, Violation};
use crate::cluster::Frozen;
use crate::history::{Action, Operation, Outcome};
use crate::store::{StoreKind, TIMEOUT};
use crate::tally::Tally;

/// How many violations of each law are shown with their history.
const SHOWN: usize = 2;

/// The figures of one store.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    store: StoreKind,
    seed: u64,
    operations: usize,
    acknowledged: usize,
    refused: usize,
    unknown: usize,
    faults: u64,
    lost: usize,
    revived: usize,
    stale: usize,
    unconfirmed: usize,
    doubled: usize,
    unasked: usize,
    over_limit: usize,
    unlisted: usize,
    /// In seconds, without the time in which the process itself was stopped.
    slowest: f64,
    timeout: f64,
}

impl Figures {
    pub(crate) fn new(
        store: StoreKind,
        seed: u64,
        faults: u64,
        history: &[Operation],
        frozen: &[Frozen],
        violations: &[Violation],
    ) -> Self {
        let count = |is: fn(&Operation) -> bool| history.iter().filter(|one| is(one)).count();
        let broken = |law: Law| violations.iter().filter(|one| one.law == law).count();
        let slowest = history.iter().map(|one| waited(one, frozen)).max().unwrap_or_default();
        Self {
            store,
            seed,
            operations: history.len(),
            acknowledged: count(Operation::is_done),
            refused: count(|one| matches!(one.outcome, Outcome::Refused(_))),
            unknown: count(|one| matches!(one.outcome, Outcome::Unknown)),
            faults,
            lost: broken(Law::Lost),
            revived: broken(Law::Revived),
            stale: broken(Law::Stale),
            unconfirmed: broken(Law::Unconfirmed),
            doubled: broken(Law::Doubled),
            unasked: broken(Law::Unasked),
            over_limit: broken(Law::OverLimit),
            unlisted: broken(Law::Unlisted),
            slowest: seconds(slowest),
            timeout: TIMEOUT.as_secs_f64(),
        }
    }
}

/// What was done, and how often: evidence that the run gets around.
pub(crate) fn evidence(history: &[Operation]) -> String {
    let done =
        |action: Action| history.iter().filter(|one| one.action == action && one.is_done()).count();
    let ids: BTreeSet<_> = history.iter().filter_map(Operation::session).collect();
    let over_limit = history
        .iter()
        .filter(|one| one.was_ended_by(EndReason::OverLimit))
        .filter_map(Operation::presented)
        .collect::<BTreeSet<_>>();
    format!(
        "{} sessions, {} ended by the limit; acknowledged: {} increments, {} reads, {} sign-ins, \
         {} renewals, {} sign-outs, {} revocations",
        ids.len(),
        over_limit.len(),
        done(Action::Increment),
        done(Action::Read),
        done(Action::Login),
        done(Action::Renew),
        done(Action::Logout),
        done(Action::RevokeAll),
    )
}

/// The operation whose client waited longest.
pub(crate) fn slowest(history: &[Operation], frozen: &[Frozen]) -> String {
    let slowest = history.iter().max_by_key(|one| waited(one, frozen));
    slowest.map_or_else(String::new, line)
}

/// How long a client waited for its answer, in microseconds, while its process ran.
fn waited(operation: &Operation, frozen: &[Frozen]) -> u64 {
    let Some(end) = operation.end else { return 0 };
    let overlap = |one: &Frozen| one.to.min(end).saturating_sub(one.from.max(operation.start));
    let stopped: u64 = frozen.iter().filter(|one| one.node == operation.node).map(overlap).sum();
    (end - operation.start).saturating_sub(stopped)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// A row for each store.
pub(crate) fn table(all: &[Figures]) -> String {
    let mut text = String::from(
        "| store | operations | acknowledged | unknown | faults | lost | revived | stale \
         | unconfirmed | others | slowest answer (s) |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for one in all {
        let others = one.doubled + one.unasked + one.over_limit + one.unlisted;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {others} | {:.1} |",
            one.store.name(),
            one.operations,
            one.acknowledged,
            one.unknown,
            one.faults,
            one.lost,
            one.revived,
            one.stale,
            one.unconfirmed,
            one.slowest,
        );
    }
    text
}

/// The first violations, each with the history of its session.
pub(crate) fn broken(violations: &[Violation], history: &[Operation]) -> String {
    let mut text = String::new();
    let mut shown: BTreeMap<Law, usize> = BTreeMap::new();
    for violation in violations {
        let Violation { law, of, text: what } = violation;
        let count = shown.entry(*law).or_default();
        *count += 1;
        if *count > SHOWN {
            continue;
        }
        let _ = writeln!(text, "\nBROKEN {law:?}: {of}: {what}");
        let mut part: Vec<_> =
            history.iter().filter(|one| one.concerns(of) || one.principal == *of).collect();
        part.sort_by_key(|one| one.start);
        for operation in part {
            let _ = writeln!(text, "{}", line(operation));
        }
    }
    for (law, count) in shown.into_iter().filter(|(_, count)| *count > SHOWN) {
        let _ = writeln!(text, "\n{} more of {law:?}", count - SHOWN);
    }
    text
}

fn line(one: &Operation) -> String {
    let took = one.end.map_or_else(
        || "no answer".to_owned(),
        |end| format!("{:.3} ms", seconds(end - one.start) * 1000.0),
    );
    let key = one.key.as_ref().map_or(0, |key| key.hash);
    let cache = if one.is_cached { ", cached" } else { "" };
    let outcome = match &one.outcome {
        Outcome::Done(answer) => {
            let key = answer.key.as_ref().map_or(0, |key| key.hash);
            let session = answer.session.as_deref().unwrap_or("none");
            let mut text = format!("done: session {session}, key {key:016x}");
            if let Some(Tally { count, recent }) = &answer.seen {
                let _ = write!(text, ", count {count}, last {:?}", recent.last());
            }
            if !answer.listed.is_empty() {
                let _ = write!(text, ", listed {}", answer.listed.join(" "));
            }
            text
        }
        other => format!("{other:?}"),
    };
    let (start, node, number, action) = (seconds(one.start), one.node, one.number, one.action);
    format!(
        "  {start:.6} {took:>12} process {node}{cache}: {number} {action:?} key {key:016x}: {outcome}"
    )
}
