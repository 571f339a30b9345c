//! What listing, limiting and revoking cost with a hundred thousand sessions, beside the same with a thousand.
//!
//! Each principal has ten sessions; one has a tenth of all. What is bounded costs the same in both columns.
//!
//! ```text
//! cargo run --profile bench -p cloakroom-bench-directory -- [--json]
//! ```

mod crowd;
mod measure;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use cloakroom::{MemoryStore, Store};
use cloakroom_sqlite::SqliteStore;
use serde::Serialize;

use crate::crowd::Crowd;
use crate::measure::Operation;

type Failure = Box<dyn Error + Send + Sync>;

/// Sessions of the two columns.
const FEW: usize = 1_000;
const MANY: usize = 100_000;

/// Microseconds, medians.
#[derive(Serialize)]
struct Row {
    store: &'static str,
    operation: &'static str,
    few: f64,
    many: f64,
    ratio: f64,
}

fn main() -> ExitCode {
    let json = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => {
            say("usage: cloakroom-bench-directory [--json]");
            return ExitCode::from(2);
        }
    };
    match bench(json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn bench(json: bool) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let place = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for store in ["memory", "sqlite"] {
        let open = |name: &str| -> Result<Arc<dyn Store>, Failure> {
            Ok(match store {
                "memory" => Arc::new(MemoryStore::new()),
                _ => Arc::new(SqliteStore::open(place.path().join(name))?),
            })
        };
        let crowds = [Crowd::gather(open("few")?, FEW)?, Crowd::gather(open("many")?, MANY)?];
        say(&format!("{store}: measuring"));
        for operation in Operation::ALL {
            let [few, many] = [operation.median(&crowds[0])?, operation.median(&crowds[1])?];
            rows.push(Row { store, operation: operation.name(), few, many, ratio: many / few });
        }
    }
    let mut out = std::io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?);
    }
    writeln!(out, "Microseconds, medians, with {FEW} sessions and with {MANY}.\n")?;
    writeln!(out, "| store  | {:<52} | {:>9} | {:>10} | ratio |", "operation", FEW, MANY)?;
    writeln!(out, "|--------|{:-<54}|{:->11}|{:->12}|------:|", "", ":", ":")?;
    for Row { store, operation, few, many, ratio } in rows {
        writeln!(out, "| {store:<6} | {operation:<52} | {few:>9.1} | {many:>10.1} | {ratio:>5.1} |")?;
    }
    Ok(())
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
