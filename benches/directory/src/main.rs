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
use std::process::ExitCode;
use std::sync::Arc;

use cloakroom::{MemoryStore, Store};
use cloakroom_bench_report::{Cell, Report, Table};
use cloakroom_sqlite::SqliteStore;

use crate::crowd::Crowd;
use crate::measure::Operation;

type Failure = Box<dyn Error + Send + Sync>;

/// Sessions of the two columns.
const FEW: usize = 1_000;
const MANY: usize = 100_000;

const ABOUT: &str = "\
Each principal has ten sessions; one has a tenth of all. What is bounded costs the same with few sessions as with many.";

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
    let (few, many) = (FEW.to_string(), MANY.to_string());
    let columns = ["store", "operation", &*few, &*many, "ratio"];
    let mut table = Table::new("microseconds, medians, with so many sessions", &columns);
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
            let cells = [few, many, many / few].map(|value| Cell::Number { value, places: 1 });
            table.row([store.into(), operation.name().into()].into_iter().chain(cells));
        }
    }
    let mut report = Report::new("directory", ABOUT);
    report.versions_in(include_str!("../../../Cargo.lock"), &["cloakroom", "cloakroom-sqlite"]);
    report.tables.push(table);
    Ok(report.print(json)?)
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
