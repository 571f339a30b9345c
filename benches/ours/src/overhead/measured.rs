//! The figures of each contender in each case, and their tables.

use std::collections::BTreeMap;
use std::fmt;

use super::case::Case;
use super::contender::Contender;
use crate::meter::median;
use crate::report::{Cell, Table};
use crate::{Failure, valgrind};

/// What is measured of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Instructions without those of SHA-256, for which real processors have hardware.
    Instructions,
    Allocations,
    /// Nanoseconds of wall time.
    Wall,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instructions => "instructions per request, without hashing",
            Self::Allocations => "allocations per request",
            Self::Wall => "nanoseconds per request",
        })
    }
}

type Name = &'static str;

/// Contenders in one table.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub title: &'static str,
    pub bare: Name,
    pub contenders: &'static [Name],
    /// Pairs whose costs are divided.
    pub ratios: &'static [(Name, Name)],
}

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
        let instructions = valgrind::instructions(&work, requests)?.others;
        let allocations = valgrind::allocations(&work, requests)?;
        self.add(name, case, Measure::Instructions, vec![instructions]);
        self.add(name, case, Measure::Allocations, vec![allocations]);
        Ok(())
    }

    /// Empty if it was not measured.
    fn absolute(&self, name: Name, case: Case, measure: Measure) -> &[f64] {
        self.figures.get(&(name, case, measure)).map_or(&[], Vec::as_slice)
    }

    /// The cost over the same server without sessions, round by round.
    fn over(&self, name: Name, case: Case, measure: Measure) -> Vec<f64> {
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

    /// The bare server's figures are absolute, the others' are over it.
    pub(super) fn table(&self, group: &Group, measure: Measure) -> Table {
        let heads = group.ratios.iter().map(|(ours, theirs)| format!("{ours} / {theirs}"));
        let heads: Vec<String> = heads.collect();
        let names = ["case", group.bare].into_iter().chain(group.contenders.iter().copied());
        let columns: Vec<&str> = names.chain(heads.iter().map(String::as_str)).collect();
        let mut table = Table::new(&format!("{}: {measure}", group.title), &columns);
        for case in Case::ALL {
            let bare = cell(self.absolute(group.bare, case, measure).to_vec(), measure);
            let costs = group.contenders.iter();
            let costs = costs.map(|name| cell(self.over(name, case, measure), measure));
            let ratios = group.ratios.iter().map(|(ours, theirs)| {
                let ratio = self.ratio(ours, theirs, case, measure);
                ratio.filter(|it| it.is_finite()).map_or(Cell::None, |it| Cell::number(it, 2))
            });
            table.row([case.name().into(), bare].into_iter().chain(costs).chain(ratios));
        }
        table
    }
}

fn cell(figures: Vec<f64>, measure: Measure) -> Cell {
    let places = if measure == Measure::Allocations { 2 } else { 0 };
    match figures.as_slice() {
        [value] => Cell::number(*value, places),
        _ => Cell::spread(figures, places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overhead::contender::{BASELINE, CLOAKROOM, OURS, PLAIN};

    fn measured(measure: Measure, figures: &[(Name, &[f64])]) -> Measured {
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
        assert_eq!(measured.ratio(CLOAKROOM, BASELINE, Case::Bot, Measure::Wall), None);
    }

    #[test]
    fn costs_and_their_ratios_are_in_one_row() {
        let figures: [(Name, &[f64]); 3] =
            [(PLAIN, &[1000.0]), (BASELINE, &[1400.0]), (CLOAKROOM, &[1500.0])];
        let measured = measured(Measure::Instructions, &figures);
        let table = measured.table(&super::super::OURS, Measure::Instructions);
        let read: Vec<String> = table.rows[3].iter().map(ToString::to_string).collect();
        assert_eq!(read, ["read", "1000", "400", "500", "-", "-", "1.25"]);
    }
}
