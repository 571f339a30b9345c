//! The steps of `cargo xtask ci` and `cargo xtask nightly`, each a task of its own as well.

use std::time::Duration;

use crate::shell::{self, Failure};
use crate::{api, checks, guard, promises, resolve, sqlite, tidy, tree};

/// A name, what it checks, and how.
pub(crate) type Step = (&'static str, &'static str, fn() -> Result<(), Failure>);

/// What must hold before a change lands: quick answers first. The tests come last, so that the
/// log ends with their results.
pub(crate) const CI: [Step; 17] = [
    ("fmt", "Formatting", checks::fmt),
    ("tidy", "Rules that no compiler checks: words, names, columns, modules, pages", tidy::run),
    ("clippy", "Lints; a warning is an error", checks::clippy),
    ("features", "Each product without features, and with each alone", checks::features),
    ("docs", "The documentation of each product, as docs.rs builds it", checks::docs),
    ("api", "The crates whose types are part of public interfaces", api::run),
    ("deny", "Licences, sources and duplicates of dependencies", checks::deny),
    ("tree", "What the library brings into an application", tree::run),
    ("msrv", "The products with the oldest compiler that they promise", resolve::msrv),
    ("neighbors", "SQLite next to others in one application", sqlite::neighbors),
    ("promises", "What users build: the tool, the packages, the README", promises::run),
    ("model", "Every order of requests, losses and races", || checks::model(&[])),
    ("mutants", "The model notices what is broken on purpose", checks::mutants),
    ("walk", "A random walk over browsers, a network and two nodes", || checks::walk(&[])),
    ("guard", "What a request costs", || guard::run(&guard::Args { update: None })),
    ("examples", "The examples and their tests", checks::examples),
    ("test", "All tests of the workspace", || checks::test(false)),
];

/// What takes longer, or depends on what others publish.
pub(crate) const NIGHTLY: [Step; 3] = [
    ("advisories", "Known vulnerabilities in dependencies", checks::advisories),
    ("oldest", "The products with the oldest dependencies that they permit", resolve::oldest),
    ("fuzz", "Random bytes for each parser of hostile input", || checks::fuzz(None, 300)),
];

/// Stops at the first failure.
pub(crate) fn ci() -> Result<(), Failure> {
    run(&CI, true)
}

/// Runs all steps, also after one has failed.
pub(crate) fn nightly() -> Result<(), Failure> {
    run(&NIGHTLY, false)
}

fn run(steps: &[Step], stops_early: bool) -> Result<(), Failure> {
    let mut table: Vec<(&str, Duration, bool)> = Vec::new();
    let mut outcome = Ok(());
    for (number, (name, _, step)) in (1..).zip(steps) {
        if number == steps.len() {
            // Before the last step, whose own last lines are to be the last.
            print(&table);
        }
        eprintln!("\n== {name} ({number} of {})", steps.len());
        let started = shell::now();
        let result = step();
        table.push((name, started.elapsed(), result.is_ok()));
        if let Err(failure) = result {
            eprintln!("{name}: {failure}");
            outcome = Err(failure);
            if stops_early {
                break;
            }
        }
    }
    if outcome.is_err() {
        print(&table);
    }
    outcome
}

fn print(table: &[(&str, Duration, bool)]) {
    eprintln!("\n{:<10} {:>8}  result", "step", "seconds");
    for (name, took, is_ok) in table {
        let result = if *is_ok { "ok" } else { "FAILED" };
        eprintln!("{name:<10} {:>8.1}  {result}", took.as_secs_f64());
    }
}
