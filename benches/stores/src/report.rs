//! What was measured, for people and for machines.

use std::fmt;

use serde::Serialize;

use crate::contender::{Case, Contender};
use crate::drive::Outcome;
use crate::rounds::{self, Spread};

#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
}

/// One contender in one case.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    operation: &'static str,
    at_once: u32,
    store: &'static str,
    setup: String,
    per_second: Spread,
    /// The middle of the rounds' medians.
    p50_us: f64,
    /// The middle of the rounds' 99th percentiles.
    p99_us: f64,
    /// Operations that the store refused, in all rounds.
    refused: u64,
    /// Absent if not counted, as for reads.
    fsyncs_per_update: Option<f64>,
    /// How many times as much cloakroom does, round by round.
    cloakroom_does: Spread,
}

impl Row {
    /// `theirs` is what `contender` did, `ours` what cloakroom did in the same rounds.
    pub(crate) fn new(
        case: Case,
        contender: &Contender,
        theirs: &[Outcome],
        ours: &[Outcome],
        fsyncs_per_update: Option<f64>,
    ) -> Self {
        Self {
            operation: case.operation,
            at_once: case.at_once,
            store: contender.name,
            setup: contender.setup.clone(),
            per_second: Spread::of(theirs.iter().map(rounds::per_second)),
            p50_us: Spread::of(theirs.iter().map(|outcome| outcome.p50_us)).median,
            p99_us: Spread::of(theirs.iter().map(|outcome| outcome.p99_us)).median,
            refused: theirs.iter().map(|outcome| outcome.refused).sum(),
            fsyncs_per_update,
            cloakroom_does: rounds::ratio(ours, theirs),
        }
    }
}

const NOTE: &str = "Medians of rounds in turn; in brackets, least and most. A setup that is a number is one of \
                    connections, the best of several. Only the last column holds on another machine or a busy one.";

const HEADER: [&str; 10] = [
    "operation",
    "at once",
    "store",
    "setup",
    "per second",
    "p50 us",
    "p99 us",
    "refused",
    "fsyncs/update",
    "cloakroom does",
];

/// Of the columns of [`HEADER`], those of words, which stand on the left.
const WORDS: [usize; 3] = [0, 2, 3];

impl Row {
    fn cells(&self) -> [String; 10] {
        let Spread { least, median, most } = self.per_second;
        let times = self.cloakroom_does;
        [
            self.operation.into(),
            self.at_once.to_string(),
            self.store.into(),
            self.setup.clone(),
            format!("{median:.0} ({least:.0}..{most:.0})"),
            format!("{:.0}", self.p50_us),
            format!("{:.0}", self.p99_us),
            self.refused.to_string(),
            self.fsyncs_per_update.map_or("-".into(), |count| format!("{count:.2}")),
            format!("{:.2} x ({:.2}..{:.2})", times.median, times.least, times.most),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEADER.map(String::from)];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |column: usize| lines.iter().map(|cells| cells[column].len()).max().unwrap_or(0);
        let widths: [usize; 10] = std::array::from_fn(width);
        for (number, cells) in lines.iter().enumerate() {
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                if WORDS.contains(&column) {
                    write!(f, "| {cell:<width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            f.write_str("|\n")?;
            if number == 0 {
                for (column, width) in widths.into_iter().enumerate() {
                    let end = if WORDS.contains(&column) { '-' } else { ':' };
                    write!(f, "|{:-<dashes$}{end}", "", dashes = width + 1)?;
                }
                f.write_str("|\n")?;
            }
        }
        write!(f, "\n{NOTE}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(done: u64, fsyncs: Option<f64>) -> Row {
        let outcome = |done| Outcome { done, seconds: 1.0, p50_us: 7.4, p99_us: 9.6, ..Outcome::default() };
        let contender =
            Contender { name: "them", program: "them".into(), file: "file".into(), setup: "4".into() };
        Row::new(Case::ALL[0], &contender, &[outcome(done)], &[outcome(100)], fsyncs)
    }

    fn cells(report: &Report, line: usize) -> Vec<String> {
        let text = report.to_string();
        let line = text.lines().nth(line).unwrap();
        line.trim_matches('|').split('|').map(|cell| cell.trim().into()).collect()
    }

    #[test]
    fn a_row_says_how_many_times_as_much_cloakroom_does() {
        let report = Report { rows: vec![row(40, Some(1.0)), row(1_000_000, None)] };
        let first =
            ["update", "1", "them", "4", "40 (40..40)", "7", "10", "0", "1.00", "2.50 x (2.50..2.50)"];
        assert_eq!(cells(&report, 2), first);
        assert_eq!(cells(&report, 3)[8], "-");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = Report { rows: vec![row(40, None), row(1_000_000, None)] }.to_string();
        let widths: Vec<_> = text.lines().take(4).map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
