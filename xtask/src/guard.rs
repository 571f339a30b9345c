//! `cargo xtask guard`: what a request costs stays what it was.
//!
//! The figures are counted, not timed, so that a busy machine changes nothing: instructions and
//! allocations under valgrind, calls of the store, and round trips to its server.
//! `benches/guard.json` has the accepted figures, and the reason why they were accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::programs;
use crate::shell::{self, Failure};

const FILE: &str = "benches/guard.json";

/// The programs that measure: each prints its figures as one JSON object.
const MEASURES: [&[&str]; 2] = [
    &["--profile", "bench", "--no-default-features", "--", "overhead", "--guard"],
    &["--", "trips", "--guard"],
];

/// The share by which instructions can grow: more than the noise between two runs.
const INSTRUCTIONS: f64 = 0.03;
/// What allocations per request can grow by: a table grows now and then.
const ALLOCATIONS: f64 = 0.02;

const OURS: &str = "cloakroom, ";
/// The hand-written baseline, measured in the same run.
const BASELINE: &str = "baseline, ";

/// Figures by name, such as `cloakroom, read: instructions`.
type Figures = BTreeMap<String, f64>;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Accept today's figures, for this reason
    #[arg(long, value_name = "REASON")]
    pub(crate) update: Option<String>,
}

/// Figures that were accepted.
#[derive(Serialize, Deserialize)]
struct Accepted {
    date: String,
    reason: String,
    figures: Figures,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        let what = "valgrind does not run on this system: use Linux to run the bench guard";
        return Err(Failure::Missing(what.into()));
    }
    programs::provide(&[programs::VALGRIND, programs::REDIS, programs::POSTGRES])?;
    let file = shell::root().join(FILE);
    let broken = |error: &dyn fmt::Display| format!("`{FILE}`: {error}");
    let text = fs::read(&file).map_err(|error| broken(&error))?;
    let accepted: Accepted = serde_json::from_slice(&text).map_err(|error| broken(&error))?;

    let figures = measure()?;
    let rows = compare(&accepted.figures, &figures);
    print(&rows);
    eprintln!("accepted on {}: {}", accepted.date, accepted.reason);
    let Some(reason) = &args.update else { return outcome(&rows) };
    let date = shell::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?.trim().to_owned();
    let accepted = Accepted { date, reason: reason.clone(), figures };
    let text = serde_json::to_string_pretty(&accepted).map_err(|error| broken(&error))?;
    Ok(fs::write(&file, text + "\n")?)
}

fn measure() -> Result<Figures, Failure> {
    let mut figures = Figures::new();
    for args in MEASURES {
        let mut command = shell::cargo(["run", "--locked", "-p", "cloakroom-bench"]);
        let text = shell::output(command.args(args))?;
        let found: Figures = serde_json::from_str(&text)
            .map_err(|error| format!("{args:?} does not print figures: {error}"))?;
        figures.extend(found);
    }
    // Fractions of an allocation are kept, fractions of an instruction are not.
    for figure in figures.values_mut() {
        *figure =
            if *figure < 100.0 { (*figure * 1000.0).round() / 1000.0 } else { figure.round() };
    }
    Ok(figures)
}

/// One figure, then and now.
struct Row<'a> {
    name: &'a str,
    old: Option<f64>,
    new: Option<f64>,
    verdict: &'static str,
}

const WRONG: [&str; 3] = ["GREW", "GONE", "NEW"];

fn compare<'a>(old: &'a Figures, new: &'a Figures) -> Vec<Row<'a>> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let figure = |figures: &Figures| figures.get(name).copied();
            // Instructions are compared by their ratio to the baseline's, as another compiler or
            // processor changes both.
            let comparable = |figures: &Figures| match name.strip_prefix(OURS) {
                Some(rest) if rest.ends_with(": instructions") => {
                    Some(figure(figures)? / figures.get(&format!("{BASELINE}{rest}"))?)
                }
                _ => figure(figures),
            };
            let verdict = verdict(name, comparable(old), comparable(new));
            Row { name, old: figure(old), new: figure(new), verdict }
        })
        .collect()
}

fn verdict(name: &str, old: Option<f64>, new: Option<f64>) -> &'static str {
    let slack = match name.rsplit_once(": ") {
        // Not one call of the store and not one round trip more.
        Some((_, "store calls" | "round trips")) => 0.0,
        Some((who, "instructions")) if who.starts_with(OURS) => {
            old.unwrap_or_default() * INSTRUCTIONS
        }
        Some((who, "allocations")) if who.starts_with(OURS) => ALLOCATIONS,
        // The baseline, which is shown to explain a change.
        _ => return "",
    };
    match (old, new) {
        (Some(old), Some(new)) if new < old && new <= old - slack => "fell",
        (Some(old), Some(new)) if new <= old + slack => "ok",
        (Some(_), Some(_)) => "GREW",
        (Some(_), None) => "GONE",
        (None, _) => "NEW",
    }
}

/// A failure if anything grew, disappeared or is new.
fn outcome(rows: &[Row<'_>]) -> Result<(), Failure> {
    let wrong = rows.iter().filter(|row| WRONG.contains(&row.verdict));
    let wrong: Vec<&str> = wrong.map(|row| row.name).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(format!(
        "{} figures differ: {}; make the request cheaper, or accept them with \
         `cargo xtask guard --update REASON`",
        wrong.len(),
        wrong.join("; ")
    )))
}

fn print(rows: &[Row<'_>]) {
    println!("{:<40} {:>9} {:>9}", "figure", "old", "new");
    for Row { name, old, new, verdict } in rows {
        let shown = |figure: &Option<f64>| figure.map_or_else(|| "-".into(), |it| it.to_string());
        println!("{name:<40} {:>9} {:>9}  {verdict}", shown(old), shown(new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(figures: &[(&str, f64)]) -> Figures {
        figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect()
    }

    fn passes(name: &str, old: f64, new: f64) -> bool {
        let baseline = ("baseline, read: instructions", 500.0);
        let (old, new) = (figures(&[(name, old), baseline]), figures(&[(name, new), baseline]));
        outcome(&compare(&old, &new)).is_ok()
    }

    #[test]
    fn instructions_can_grow_by_three_percent_and_no_more() {
        let name = "cloakroom, read: instructions";
        assert!(passes(name, 1000.0, 1030.0) && passes(name, 1000.0, 500.0));
        assert!(!passes(name, 1000.0, 1031.0) && !passes(name, 1000.0, f64::NAN));
    }

    #[test]
    fn one_more_allocation_in_fifty_requests_fails() {
        let name = "cloakroom, new: allocations";
        assert!(passes(name, 9.0, 9.015) && !passes(name, 9.0, 9.03) && passes(name, 9.0, 8.0));
    }

    #[test]
    fn no_store_call_and_no_round_trip_is_added() {
        for name in ["memory, login: store calls", "redis, login: round trips"] {
            assert!(passes(name, 4.0, 4.0) && passes(name, 4.0, 3.0) && !passes(name, 4.0, 5.0));
        }
        assert!(!passes("redis, ignore: round trips", 0.0, 1.0));
    }

    #[test]
    fn the_baseline_can_change() {
        assert!(passes("baseline, write: instructions", 10.0, 1000.0));
    }

    #[test]
    fn a_figure_that_is_new_or_gone_must_be_accepted() {
        let one = figures(&[("redis, login: round trips", 1.0)]);
        assert!(outcome(&compare(&one, &Figures::new())).is_err());
        assert!(outcome(&compare(&Figures::new(), &one)).is_err());
    }

    #[test]
    fn under_another_compiler_the_ratio_to_the_baseline_counts() {
        let of = |ours: f64, baseline: f64| {
            let name = |who: &str| format!("{who}, read: instructions");
            figures(&[(&name("cloakroom"), ours), (&name("baseline"), baseline)])
        };
        let old = of(2000.0, 1000.0);
        assert!(outcome(&compare(&old, &of(3000.0, 1500.0))).is_ok());
        assert!(outcome(&compare(&old, &of(3000.0, 1400.0))).is_err());
    }
}
