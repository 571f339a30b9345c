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
    tower_sessions: f64,
    /// cloakroom / tower-sessions.
    pub(crate) ratio: f64,
}

impl Table {
    pub(crate) fn new(measure: &'static str) -> Self {
        Self { measure, rows: Vec::new() }
    }

    /// Adds a case's absolute costs, in the order of [`Contender::ALL`].
    pub(crate) fn add(&mut self, case: Case, costs: [f64; 4]) {
        let [plain, cloakroom, encoded, theirs] = costs;
        self.rows.push(Row {
            case,
            plain,
            cloakroom: cloakroom - plain,
            cloakroom_encoded: encoded - plain,
            tower_sessions: theirs - plain,
            ratio: (cloakroom - plain) / (theirs - plain),
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
        let [plain, ours, encoded, theirs] = Contender::ALL.map(Contender::name);
        write!(
            f,
            "| {:<10} | {plain:>9} | {ours:>9} | {encoded:>17} | {theirs:>14} | ours/theirs |",
            "case"
        )?;
        write!(f, "\n|{:-<12}|{:->11}|{:->11}|{:->19}|{:->16}|{:->13}|", "", ":", ":", ":", ":", ":")?;
        if self.rows.is_empty() {
            return write!(
                f,
                "\n| {:<10} | {:>9} | {:>9} | {:>17} | {:>14} | {:>11} |",
                "-", "-", "-", "-", "-", "-"
            );
        }
        self.rows.iter().try_for_each(|row| write!(f, "\n{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, plain, cloakroom, cloakroom_encoded, tower_sessions, ratio } = self;
        // Small counts would lose their fraction, large ones gain only noise.
        let places = usize::from(*plain < 100.0);
        write!(
            f,
            "| {case:<10} | {plain:>9.places$} | {cloakroom:>9.places$} | {cloakroom_encoded:>17.places$} | \
             {tower_sessions:>14.places$} | {ratio:>11.2} |"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shown_over_the_plain_router() {
        let mut table = Table::new("instructions per request");
        table.add(Case::Read, [1000.0, 1400.0, 1500.0, 2000.0]);
        let text = table.to_string();
        let row = text.lines().last().unwrap();
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(cells, ["", "read", "1000", "400", "500", "1000", "0.40", ""]);
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let text = Table::new("instructions per request").to_string();
        let row = text.lines().last().unwrap();
        assert!(row.split('|').all(|cell| cell.is_empty() || cell.trim() == "-"), "{row}");
    }
}
