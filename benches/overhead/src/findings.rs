//! What was found of each contender in each case.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::Case;
use crate::contender::Contender;
use crate::counted::Counts;

/// What is measured of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// Instructions, but for those of SHA-256.
    Instructions,
    /// Instructions of SHA-256, which real processors have in hardware and valgrind's has not.
    Hashing,
    /// Allocations; a reallocation counts as one.
    Allocations,
    /// Nanoseconds that passed.
    Wall,
    /// Nanoseconds of the thread's processor.
    Cpu,
}

impl Measure {
    pub(crate) const ALL: [Self; 5] =
        [Self::Instructions, Self::Hashing, Self::Allocations, Self::Wall, Self::Cpu];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Instructions => "instructions per request, without hashing",
            Self::Hashing => "instructions of hashing per request, in software",
            Self::Allocations => "allocations per request",
            Self::Wall => "nanoseconds per request, median (least..most of the rounds)",
            Self::Cpu => "nanoseconds of processor time per request, median (least..most of the rounds)",
        }
    }

    /// Decimals worth showing.
    pub(crate) fn places(self) -> usize {
        if self == Self::Allocations { 2 } else { 0 }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// All that was measured: one figure for what is counted, one for each round of what is timed.
#[derive(Debug, Default)]
pub(crate) struct Findings(BTreeMap<(Contender, Case, Measure), Vec<f64>>);

impl Findings {
    pub(crate) fn add(&mut self, contender: Contender, case: Case, measure: Measure, figures: Vec<f64>) {
        if !figures.is_empty() {
            self.0.insert((contender, case, measure), figures);
        }
    }

    pub(crate) fn count(&mut self, contender: Contender, case: Case, counts: Counts) {
        let Counts { instructions, hashing, allocations } = counts;
        self.add(contender, case, Measure::Instructions, vec![instructions]);
        self.add(contender, case, Measure::Hashing, vec![hashing]);
        self.add(contender, case, Measure::Allocations, vec![allocations]);
    }

    /// As it was measured; empty if it was not.
    pub(crate) fn absolute(&self, contender: Contender, case: Case, measure: Measure) -> &[f64] {
        self.0.get(&(contender, case, measure)).map_or(&[], Vec::as_slice)
    }

    /// What the sessions cost: what is over the same server without them, round by round.
    pub(crate) fn over(&self, contender: Contender, case: Case, measure: Measure) -> Vec<f64> {
        let bare = self.absolute(contender.bare(), case, measure);
        self.absolute(contender, case, measure).iter().zip(bare).map(|(all, bare)| all - bare).collect()
    }

    /// The middle one of these.
    pub(crate) fn middle(&self, contender: Contender, case: Case, measure: Measure) -> Option<f64> {
        median(self.over(contender, case, measure))
    }

    /// What `ours` costs for each of what `theirs` costs.
    pub(crate) fn ratio(
        &self,
        ours: Contender,
        theirs: Contender,
        case: Case,
        measure: Measure,
    ) -> Option<f64> {
        Some(self.middle(ours, case, measure)? / self.middle(theirs, case, measure)?)
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Mount;

    const OURS: Contender = Contender::Cloakroom(Mount::Inner);
    const LIMIT: Contender = Contender::Limit(Mount::Inner);

    #[test]
    fn costs_are_over_the_bare_server_of_the_same_round() {
        let mut findings = Findings::default();
        findings.add(Contender::Plain, Case::Read, Measure::Wall, vec![100.0, 200.0, 100.0]);
        findings.add(OURS, Case::Read, Measure::Wall, vec![110.0, 230.0, 120.0]);
        findings.add(LIMIT, Case::Read, Measure::Wall, vec![105.0, 205.0, 105.0]);
        assert_eq!(findings.over(OURS, Case::Read, Measure::Wall), [10.0, 30.0, 20.0]);
        assert_eq!(findings.middle(OURS, Case::Read, Measure::Wall), Some(20.0));
        assert_eq!(findings.ratio(OURS, LIMIT, Case::Read, Measure::Wall), Some(4.0));
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        assert_eq!(Findings::default().ratio(OURS, LIMIT, Case::Read, Measure::Cpu), None);
    }
}
