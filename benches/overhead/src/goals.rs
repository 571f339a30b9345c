//! What cloakroom's costs must stay under.

use crate::case::Case;
use crate::contender::Contender;
use crate::findings::{Findings, Measure};
use crate::server::Mount;

/// Times what the same work written by hand costs in instructions. Writes and beginnings miss it: see `results/TRIED.md`.
const LIMIT: f64 = 1.3;
/// And this many allocations more.
const ALLOCATIONS: f64 = 1.0;
/// What watching everything adds, as a share.
const WATCHING: f64 = 0.05;
/// Of what tower-sessions costs in instructions.
const PEER: [(Case, f64); 4] = [
    (Case::Untouched, 1.0 / 3.0),
    (Case::Read, 1.0 / 4.0),
    (Case::ReadWrite, 1.0 / 4.5),
    (Case::New, 1.0 / 3.5),
];

/// Of what actix-session costs in instructions, on actix-web.
const ACTIX: f64 = 1.0 / 3.0;

/// All that does not hold; what was not counted does not.
pub(crate) fn missed(findings: &Findings) -> Vec<String> {
    const OURS: Contender = Contender::Cloakroom(Mount::Inner);
    const BY_HAND: Contender = Contender::Limit(Mount::Inner);
    let mut missed = Vec::new();
    let mut at_most = |what: String, found: Option<f64>, most: f64| {
        // Written so that what is no number fails.
        if !found.is_some_and(|found| found <= most) {
            let found = found.map_or_else(|| "not counted".into(), |found| format!("{found:.3}"));
            missed.push(format!("{what}: {found}, at most {most:.3}"));
        }
    };
    let instructions = |ours, theirs, case| findings.ratio(ours, theirs, case, Measure::Instructions);
    let allocations = |contender, case| findings.middle(contender, case, Measure::Allocations);
    for (case, share) in PEER {
        at_most(format!("{case}, instructions of the limit's"), instructions(OURS, BY_HAND, case), LIMIT);
        let theirs = Contender::TowerSessions(Mount::Inner);
        at_most(format!("{case}, instructions of tower-sessions'"), instructions(OURS, theirs, case), share);
        let watching = instructions(Contender::Observed, OURS, case).map(|ratio| ratio - 1.0);
        at_most(format!("{case}, share that watching adds"), watching, WATCHING);
    }
    for case in Case::ALL {
        let more = allocations(OURS, case).zip(allocations(BY_HAND, case)).map(|(ours, limit)| ours - limit);
        at_most(format!("{case}, allocations over the limit's"), more, ALLOCATIONS);
        let ratio = instructions(Contender::CloakroomActix, Contender::ActixSession, case);
        at_most(format!("{case}, instructions of actix-session's"), ratio, ACTIX);
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_missed() {
        assert_eq!(missed(&Findings::default()).len(), 3 * PEER.len() + 2 * Case::ALL.len());
    }
}
