//! What was measured, for people and for machines.

use std::fmt;

use serde::Serialize;

use crate::case::Case;
use crate::contender::Contender;

/// All tables of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) tables: Vec<Table>,
}

/// One measure; without rows if it could not be taken.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    measure: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// One case: what the plain router costs, and what the others cost on top.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: Case,
    plain: f64,
    cloakroom: f64,
    cloakroom_encoded: f64,
    cloakroom_observed: f64,
    tower_sessions: f64,
    /// cloakroom / tower-sessions.
    pub(crate) ratio: f64,
    /// What watching everything adds, as a share of cloakroom's cost; 0 where there is none to add to.
    pub(crate) watching: f64,
}

impl Table {
    pub(crate) fn new(measure: &'static str) -> Self {
        Self { measure, rows: Vec::new() }
    }

    /// Adds a case's absolute costs, in the order of [`Contender::ALL`].
    pub(crate) fn add(&mut self, case: Case, costs: [f64; Contender::COUNT]) {
        let [plain, cloakroom, encoded, observed, theirs] = costs;
        self.rows.push(Row {
            case,
            plain,
            cloakroom: cloakroom - plain,
            cloakroom_encoded: encoded - plain,
            cloakroom_observed: observed - plain,
            tower_sessions: theirs - plain,
            ratio: (cloakroom - plain) / (theirs - plain),
            watching: (observed - cloakroom) / (cloakroom - plain),
        });
    }
}

/// Counts that hold on another processor than the reader's need saying so.
const NOTE: &str = "Valgrind's processor has no SHA instructions: of cloakroom's counts, about 3300 are one SHA-256 in \
                    software, in every case that opens or begins a session.";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("What each costs over the plain router (its own column is absolute).")?;
        self.tables.iter().try_for_each(|table| write!(f, "\n\n{table}"))?;
        write!(f, "\n\n{NOTE}")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.measure)?;
        let [plain, ours, encoded, observed, theirs] = Contender::ALL.map(Contender::name);
        write!(
            f,
            "| {:<10} | {plain:>9} | {ours:>9} | {encoded:>17} | {observed:>18} | {theirs:>14} | ours/theirs | watching |",
            "case"
        )?;
        write!(
            f,
            "\n|{:-<12}|{:->11}|{:->11}|{:->19}|{:->20}|{:->16}|{:->13}|{:->10}|",
            "", ":", ":", ":", ":", ":", ":", ":"
        )?;
        if self.rows.is_empty() {
            return write!(
                f,
                "\n| {:<10} | {:>9} | {:>9} | {:>17} | {:>18} | {:>14} | {:>11} | {:>8} |",
                "-", "-", "-", "-", "-", "-", "-", "-"
            );
        }
        self.rows.iter().try_for_each(|row| write!(f, "\n{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            plain,
            cloakroom,
            cloakroom_encoded,
            cloakroom_observed,
            tower_sessions,
            ratio,
            watching,
        } = self;
        let watching = watching * 100.0;
        // Small counts would lose their fraction, large ones gain only noise.
        let places = usize::from(*plain < 100.0);
        write!(
            f,
            "| {case:<10} | {plain:>9.places$} | {cloakroom:>9.places$} | {cloakroom_encoded:>17.places$} | \
             {cloakroom_observed:>18.places$} | {tower_sessions:>14.places$} | {ratio:>11.2} | {watching:>6.1} % |"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shown_over_the_plain_router() {
        let mut table = Table::new("instructions per request");
        table.add(Case::Read, [1000.0, 1400.0, 1500.0, 1420.0, 2000.0]);
        let text = table.to_string();
        let row = text.lines().last().unwrap();
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(cells, ["", "read", "1000", "400", "500", "420", "1000", "0.40", "5.0 %", ""]);
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let text = Table::new("instructions per request").to_string();
        let row = text.lines().last().unwrap();
        assert!(row.split('|').all(|cell| cell.is_empty() || cell.trim() == "-"), "{row}");
    }
}
