//! The figures as tables.

use super::case::Case;
use super::measured::{Measure, Measured};
use crate::report::{Cell, Table};

/// Contenders in one table.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub title: &'static str,
    pub bare: &'static str,
    pub contenders: &'static [&'static str],
    /// Pairs whose costs are divided.
    pub ratios: &'static [(&'static str, &'static str)],
}

impl Group {
    pub(super) fn tables(&self, measured: &Measured) -> impl Iterator<Item = Table> {
        let is_measured = |measure: &Measure| {
            Case::ALL.iter().any(|case| !measured.absolute(self.bare, *case, *measure).is_empty())
        };
        Measure::ALL.into_iter().filter(is_measured).map(|measure| self.table(measured, measure))
    }

    /// The bare server's figures are absolute, the others' are over it.
    fn table(&self, measured: &Measured, measure: Measure) -> Table {
        // All contenders that hash call the same function.
        let ratios = if measure == Measure::Hashing { &[] } else { self.ratios };
        let heads: Vec<String> =
            ratios.iter().map(|(ours, theirs)| format!("{ours} / {theirs}")).collect();
        let names = ["case", self.bare].into_iter().chain(self.contenders.iter().copied());
        let columns: Vec<&str> = names.chain(heads.iter().map(String::as_str)).collect();
        let mut table = Table::new(&format!("{}: {measure}", self.title), &columns);
        for case in Case::ALL {
            let bare = cell(measured.absolute(self.bare, case, measure).to_vec(), measure);
            let costs = self.contenders.iter();
            let costs = costs.map(|name| cell(measured.over(name, case, measure), measure));
            let ratios = ratios.iter().map(|(ours, theirs)| {
                let ratio = measured.ratio(ours, theirs, case, measure);
                ratio.filter(|ratio| ratio.is_finite()).map_or(Cell::None, Cell::ratio)
            });
            table.row([case.name().into(), bare].into_iter().chain(costs).chain(ratios));
        }
        table
    }
}

fn cell(figures: Vec<f64>, measure: Measure) -> Cell {
    match figures.as_slice() {
        [value] => Cell::number(*value, measure.places()),
        _ => Cell::spread(figures, measure.places()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::GROUPS;
    use super::super::contender::{BASELINE, CLOAKROOM, PLAIN};
    use super::super::measured::tests::measured;
    use super::*;

    #[test]
    fn costs_and_their_ratios_are_in_one_row() {
        let figures: [(&str, &[f64]); 3] =
            [(PLAIN, &[1000.0]), (BASELINE, &[1400.0]), (CLOAKROOM, &[1500.0])];
        let measured = measured(Measure::Instructions, &figures);
        let tables: Vec<Table> = GROUPS[0].tables(&measured).collect();
        assert_eq!(tables.len(), 1);
        let read: Vec<String> = tables[0].rows[3].iter().map(ToString::to_string).collect();
        assert_eq!(read, ["read", "1000", "400", "500", "-", "-", "1.25"]);
    }
}
