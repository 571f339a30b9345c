//! How often each operation on a session goes to each store, and how often that goes to its server.
//!
//! Every operation begins as a request does, with a key: `login` is the reading, the directory, the record and the
//! directory once more. Private servers are started for it, on this machine.
//!
//! ```text
//! cargo run -p cloakroom-bench-trips -- [--json | --guard]
//! ```
//!
//! `--guard` prints what `cargo xtask guard` compares with the last time, as JSON.

mod engine;
mod operation;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use cloakroom_bench_report::{Cell, Report, Table};
use tokio::runtime::Builder;

use crate::engine::Engine;
use crate::operation::{Operation, Trips};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-trips [--json | --guard]";

const ABOUT: &str = "How often an operation on a session calls its store, and how often a client on the wire then speaks and \
    waits. Each begins with a key, as a request does. Where the store needs no server there is no wire.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let print: fn(&[Row]) -> Result<String, Failure> =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => |rows| Ok(report(rows).to_string()),
            ["--json"] => |rows| Ok(report(rows).to_json()?),
            ["--guard"] => |rows| Ok(serde_json::to_string_pretty(&figures(rows))?),
            _ => {
                say(USAGE);
                return ExitCode::from(2);
            }
        };
    let printed = rows().and_then(|rows| Ok(writeln!(std::io::stdout().lock(), "{}", print(&rows)?)?));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// One store's trips, operation by operation.
struct Row {
    store: &'static str,
    trips: Vec<(Operation, Trips)>,
}

fn rows() -> Result<Vec<Row>, Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    for name in Engine::NAMES {
        say(&format!("{name}: counting"));
        let engine = Engine::start(&runtime, name)?;
        rows.push(Row { store: name, trips: runtime.block_on(operation::all(&engine))? });
    }
    Ok(rows)
}

fn report(rows: &[Row]) -> Report {
    let mut report = Report::new("trips", ABOUT);
    report.version("cloakroom", env!("CARGO_PKG_VERSION"));
    let columns: Vec<&str> = ["store"].into_iter().chain(Operation::ALL.map(Operation::name)).collect();
    for (title, of) in
        [("calls of the store", calls as fn(&Trips) -> Cell), ("round trips to its server", wire)]
    {
        let mut table = Table::new(title, &columns);
        for row in rows {
            table.row([row.store.into()].into_iter().chain(row.trips.iter().map(|(_, trips)| of(trips))));
        }
        report.tables.push(table);
    }
    report
}

fn calls(trips: &Trips) -> Cell {
    Cell::whole(f64::from(trips.calls))
}

fn wire(trips: &Trips) -> Cell {
    trips.wire.map(f64::from).into()
}

/// Each figure by its name: `redis, login: round trips`.
fn figures(rows: &[Row]) -> BTreeMap<String, u32> {
    let mut figures = BTreeMap::new();
    for row in rows {
        for (operation, trips) in &row.trips {
            let name = |what: &str| format!("{}, {}: {what}", row.store, operation.name());
            figures.insert(name("store calls"), trips.calls);
            figures.extend(trips.wire.map(|wire| (name("round trips"), wire)));
        }
    }
    figures
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
fn say(line: &str) {
    eprintln!("{line}");
}
