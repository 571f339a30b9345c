//! What cloakroom's costs must stay under.

use crate::case::Case;
use crate::contender::Contender;
use crate::findings::{Findings, Measure};
use crate::server::Mount;

/// Times what the same work written by hand costs in instructions. Of a write a third of what is more is measured values and
/// looked over garbage, which keep memory bounded, and a second allocation, as a store knows no type of value.
const LIMIT: [(Case, f64); 4] =
    [(Case::Untouched, 1.3), (Case::Read, 1.3), (Case::ReadWrite, 1.5), (Case::New, 1.5)];
/// And this many allocations more; the fraction is tables that grow.
const ALLOCATIONS: f64 = 1.1;
/// What watching everything adds, as a share.
const WATCHING: f64 = 0.1;
/// Of what tower-sessions costs in instructions.
const PEER: [(Case, f64); 4] = [
    (Case::Untouched, 1.0 / 3.0),
    (Case::Read, 1.0 / 4.0),
    (Case::ReadWrite, 1.0 / 4.5),
    (Case::New, 1.0 / 3.5),
];

/// Of what actix-session costs in instructions, on actix-web. Of who has no session it does as little as we do.
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
    for (case, most) in LIMIT {
        at_most(format!("{case}, instructions of the limit's"), instructions(OURS, BY_HAND, case), most);
    }
    for (case, share) in PEER {
        let theirs = Contender::TowerSessions(Mount::Inner);
        at_most(format!("{case}, instructions of tower-sessions'"), instructions(OURS, theirs, case), share);
        let watching = instructions(Contender::Observed, OURS, case).map(|ratio| ratio - 1.0);
        at_most(format!("{case}, share that watching adds"), watching, WATCHING);
        let ratio = instructions(Contender::CloakroomActix, Contender::ActixSession, case);
        at_most(format!("{case}, instructions of actix-session's"), ratio, ACTIX);
    }
    for case in Case::ALL {
        let more = allocations(OURS, case).zip(allocations(BY_HAND, case)).map(|(ours, limit)| ours - limit);
        at_most(format!("{case}, allocations over the limit's"), more, ALLOCATIONS);
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_missed() {
        assert_eq!(missed(&Findings::default()).len(), 4 * PEER.len() + Case::ALL.len());
    }
}
