//! What was measured, as rows of a report.

use cloakroom_bench_report::{Cell, Report, Table};

use crate::contender::{Case, Contender};
use crate::drive::Outcome;
use crate::rounds;

const ABOUT: &str = "\
Durable session updates on SQLite, cloakroom-sqlite beside tower-sessions-sqlx-store. Each is a process that keeps ten thousand
sessions of about a hundred bytes in a file of its own, and answers a change once it is on the disk. One update is what a request
does to a session it has read: a compare-and-swap of ours, an upsert of theirs; one read includes decoding the value. The peer
runs twice: with our promise and as many connections as suit it best, and as it is unless told otherwise.";

const NOTE: &str = "\
Medians of rounds in turn; in brackets, least and most. A setup that is a number is one of connections, the best of several. Only \
the last column holds on another machine or a busy one.";

const COLUMNS: [&str; COUNT] = [
    "operation",
    "at once",
    "store",
    "setup",
    "per second",
    "p50 us",
    "p99 us",
    "refused",
    "fsyncs/update",
    "cloakroom does, times",
];
const COUNT: usize = 10;

/// The report of these rows.
pub(crate) fn report(rows: impl IntoIterator<Item = [Cell; COUNT]>) -> Report {
    let mut report = Report::new("stores", ABOUT);
    report.versions_in(include_str!("../../../Cargo.lock"), &["cloakroom", "cloakroom-sqlite", "rusqlite"]);
    report.versions_in(include_str!("../sqlx/Cargo.lock"), &["tower-sessions-sqlx-store", "sqlx"]);
    let mut table = Table::new("operations a second", &COLUMNS);
    rows.into_iter().for_each(|row| table.row(row));
    report.tables.push(table);
    report.notes.push(NOTE.into());
    report
}

/// One contender in one case: `theirs` is what it did, `ours` what cloakroom did in the same rounds.
#[expect(clippy::cast_precision_loss, reason = "counts come nowhere near 2^52")]
pub(crate) fn row(
    case: Case,
    contender: &Contender,
    theirs: &[Outcome],
    ours: &[Outcome],
    fsyncs_per_update: Option<f64>,
) -> [Cell; COUNT] {
    let middle = |time: fn(&Outcome) -> f64| {
        let mut times: Vec<f64> = theirs.iter().map(time).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).map_or(Cell::None, |time| Cell::whole(*time))
    };
    [
        case.operation.into(),
        Cell::whole(f64::from(case.at_once)),
        contender.name.into(),
        Cell::Text(contender.setup.clone()),
        Cell::spread(theirs.iter().map(rounds::per_second).collect(), 0),
        middle(|outcome| outcome.p50_us),
        middle(|outcome| outcome.p99_us),
        Cell::whole(theirs.iter().map(|outcome| outcome.refused).sum::<u64>() as f64),
        fsyncs_per_update.map_or(Cell::None, Cell::ratio),
        Cell::spread(rounds::ratios(ours, theirs), 2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_many_times_as_much_cloakroom_does() {
        let outcome = |done| Outcome { done, seconds: 1.0, p50_us: 7.4, p99_us: 9.6, ..Outcome::default() };
        let contender =
            Contender { name: "them", program: "them".into(), file: "file".into(), setup: "4".into() };
        let cells = |fsyncs| row(Case::ALL[0], &contender, &[outcome(40)], &[outcome(100)], fsyncs);
        let texts: Vec<_> = cells(Some(1.0)).iter().map(ToString::to_string).collect();
        let expected =
            ["update", "1", "them", "4", "40 (40..40)", "7", "10", "0", "1.00", "2.50 (2.50..2.50)"];
        assert_eq!(texts, expected);
        assert_eq!(cells(None)[8], Cell::None);
        assert_eq!(report([cells(None)]).tables[0].rows.len(), 1);
    }
}
