//! What becomes bytes or text on the way to a store or a browser, and back: cloakroom beside a limit written by hand, and beside
//! what tower-sessions and its stores use for the same.
//!
//! ```text
//! cargo xtask bench codec [--quick] [--json]
//! ```
//!
//! Instructions are counted by valgrind, if it is there, and do not depend on the machine's load; nanoseconds do.

mod case;
mod clock;
mod counted;
mod limit;
mod records;
mod texts;

use std::error::Error;
use std::process::ExitCode;

use cloakroom_bench_report::{Cell, Report, Table};

use crate::case::ALL;
use crate::counted::DRIVE;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-codec [--quick] [--json]";

const ABOUT: &str = "\
What becomes bytes or text on the way to a store or a browser, and back. The value is a struct of 104 bytes with four short texts,
in JSON with cloakroom, in a map of JSON values with tower-sessions, whose stores write MessagePack. *limit* writes the same facts
by hand into one buffer of the right size, and reads them without a check.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [DRIVE, case, times] => counted::drive(case, times),
        flags if flags.iter().all(|flag| ["--quick", "--json"].contains(flag)) => {
            bench(flags.contains(&"--quick"), flags.contains(&"--json"))
        }
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(2)
        }
    }
}

fn bench(quick: bool, json: bool) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let counts = counted::valgrind_is_installed();
    if !counts {
        say("valgrind is not installed (Debian: `apt-get install valgrind`): no instructions");
    }
    say("timing");
    let timed = clock::measure(&ALL, if quick { 5 } else { 41 })?;
    let columns = ["what", "whose", "bytes", "ns", "instructions"];
    let mut table = Table::new("one call", &columns);
    for (number, (case, (bytes, taken))) in ALL.iter().zip(timed).enumerate() {
        let mut instructions = Cell::None;
        if counts {
            say(&format!("counting: {}, {}", case.what, case.whose));
            instructions = Cell::whole(counted::instructions(number)?);
        }
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let bytes = Cell::whole(bytes as f64);
        table.row([case.what.into(), case.whose.into(), bytes, Cell::spread(taken, 0), instructions]);
    }
    let mut report = Report::new("codec", ABOUT);
    let measured = ["cloakroom", "tower-sessions", "rmp-serde", "serde_json", "cookie"];
    report.versions_in(include_str!("../../../Cargo.lock"), &measured);
    report.tables.push(table);
    report.notes = [
        "The middle of rounds in turn; in brackets, least and most.",
        "Valgrind's processor has no SHA instructions: about 3300 of the instructions of what has a key are SHA-256 in software.",
        "A whole visit of cloakroom's also makes the session's handle, asks the store where there is a key, and writes what the \
         response needs; the peer's row is the parsing alone.",
    ]
    .map(String::from)
    .into();
    Ok(report.print(json)?)
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
fn say(line: &str) {
    eprintln!("{line}");
}
