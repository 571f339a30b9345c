//! `cargo xtask ci`: all that must hold before a change lands.

use std::time::Duration;

use crate::shell::{self, Failure};
use crate::{api, deny, docs, examples, features, guard, lint, model, msrv, test, tidy, tree};

type Check = fn() -> Result<(), Failure>;

/// Quick answers first.
const STEPS: [(&str, Check); 13] = [
    ("fmt", lint::fmt),
    ("clippy", lint::clippy),
    ("features", features::run),
    ("docs", docs::run),
    ("api", api::run),
    ("msrv", msrv::run),
    ("deny", deny::run),
    ("tree", tree::run),
    ("tidy", tidy::run),
    ("model", model::plain),
    ("mutants", model::mutants),
    ("guard", guard::check),
    ("examples", examples::run),
];

/// The tests come last and after the table, so that a log ends with their own results.
pub(crate) fn run() -> Result<(), Failure> {
    let mut table = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let started = shell::now();
        let result = step();
        table.push((name, started.elapsed(), result.is_ok()));
        if result.is_err() {
            print(&table);
            return result;
        }
    }
    print(&table);
    eprintln!("\n== test");
    test::run(&test::ALL)
}

fn print(table: &[(&str, Duration, bool)]) {
    eprintln!("\n{:<10} {:>8}  result", "step", "seconds");
    for (name, took, held) in table {
        let result = if *held { "ok" } else { "FAILED" };
        eprintln!("{name:<10} {:>8.1}  {result}", took.as_secs_f64());
    }
    for (name, _) in STEPS.iter().skip(table.len()) {
        eprintln!("{name:<10} {:>8}  not run", "-");
    }
    let all = table.iter().all(|(_, _, held)| *held);
    eprintln!("{:<10} {:>8}  {}", "test", "-", if all { "next" } else { "not run" });
}
