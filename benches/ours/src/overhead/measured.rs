//! The figures of each contender in each case.

use std::collections::BTreeMap;
use std::fmt;

use super::case::Case;
use super::contender::Contender;
use crate::Failure;
use crate::meter::median;
use crate::valgrind;

/// What is measured of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Instructions without those of SHA-256.
    Instructions,
    /// Instructions of SHA-256, for which real processors have hardware.
    Hashing,
    Allocations,
    /// Nanoseconds of wall time.
    Wall,
    /// Nanoseconds of the thread's CPU time.
    Cpu,
}

impl Measure {
    pub(super) const ALL: [Self; 5] =
        [Self::Instructions, Self::Hashing, Self::Allocations, Self::Wall, Self::Cpu];

    /// Decimals worth showing.
    pub(super) fn places(self) -> usize {
        if self == Self::Allocations { 2 } else { 0 }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instructions => "instructions per request, without hashing",
            Self::Hashing => "instructions of hashing per request, in software",
            Self::Allocations => "allocations per request",
            Self::Wall => "nanoseconds per request",
            Self::Cpu => "nanoseconds of CPU time per request",
        })
    }
}

type Name = &'static str;

/// One figure for what is counted, one per round for what is timed.
#[derive(Debug, Default)]
pub struct Measured {
    figures: BTreeMap<(Name, Case, Measure), Vec<f64>>,
    bare: BTreeMap<Name, Name>,
}

impl Measured {
    pub(super) fn new(contenders: &[Contender]) -> Self {
        let bare = contenders.iter().map(|contender| (contender.name, contender.bare)).collect();
        Self { figures: BTreeMap::new(), bare }
    }

    pub(super) fn add(&mut self, name: Name, case: Case, measure: Measure, figures: Vec<f64>) {
        self.figures.insert((name, case, measure), figures);
    }

    /// Counts instructions and allocations of a request.
    pub(super) fn count(&mut self, name: Name, case: Case, quick: bool) -> Result<(), Failure> {
        let requests = if quick { (200, 600) } else { (1000, 4000) };
        let work = [super::NAME, name, case.name()];
        let valgrind::Instructions { hashing, others } = valgrind::instructions(&work, requests)?;
        let allocations = valgrind::allocations(&work, requests)?;
        self.add(name, case, Measure::Instructions, vec![others]);
        self.add(name, case, Measure::Hashing, vec![hashing]);
        self.add(name, case, Measure::Allocations, vec![allocations]);
        Ok(())
    }

    /// Empty if it was not measured.
    pub(super) fn absolute(&self, name: Name, case: Case, measure: Measure) -> &[f64] {
        self.figures.get(&(name, case, measure)).map_or(&[], Vec::as_slice)
    }

    /// The cost over the same server without sessions, round by round.
    pub(super) fn over(&self, name: Name, case: Case, measure: Measure) -> Vec<f64> {
        let bare = self.bare.get(name).map_or(&[][..], |bare| self.absolute(bare, case, measure));
        let rounds = self.absolute(name, case, measure).iter().zip(bare);
        rounds.map(|(all, bare)| all - bare).collect()
    }

    /// The median of the costs.
    #[must_use]
    pub fn cost(&self, name: Name, case: Case, measure: Measure) -> Option<f64> {
        median(self.over(name, case, measure))
    }

    /// The cost of `ours` as a multiple of the cost of `theirs`.
    #[must_use]
    pub fn ratio(&self, ours: Name, theirs: Name, case: Case, measure: Measure) -> Option<f64> {
        Some(self.cost(ours, case, measure)? / self.cost(theirs, case, measure)?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::overhead::contender::{BASELINE, CLOAKROOM, OURS, PLAIN};

    pub(crate) fn measured(measure: Measure, figures: &[(Name, &[f64])]) -> Measured {
        let mut measured = Measured::new(&OURS);
        for (name, figures) in figures {
            measured.add(name, Case::Read, measure, figures.to_vec());
        }
        measured
    }

    #[test]
    fn costs_are_over_the_bare_server_of_the_same_round() {
        let figures: [(Name, &[f64]); 3] = [
            (PLAIN, &[100.0, 200.0, 100.0]),
            (CLOAKROOM, &[110.0, 230.0, 120.0]),
            (BASELINE, &[105.0, 205.0, 105.0]),
        ];
        let measured = measured(Measure::Wall, &figures);
        assert_eq!(measured.over(CLOAKROOM, Case::Read, Measure::Wall), [10.0, 30.0, 20.0]);
        assert_eq!(measured.ratio(CLOAKROOM, BASELINE, Case::Read, Measure::Wall), Some(4.0));
        assert_eq!(measured.ratio(CLOAKROOM, BASELINE, Case::Read, Measure::Cpu), None);
    }
}
