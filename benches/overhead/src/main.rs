//! What a session costs a request: cloakroom beside tower-sessions, over a plain axum router, in one run.
//!
//! Everything runs in process: requests with a browser's cookie header go through an axum `Router` as a tower
//! service, on a current-thread runtime. Both libraries are layered with `Router::layer`, keep the same value in
//! their own memory store, and are asked the same things ([`Case`]).
//!
//! ```text
//! cargo run --profile bench -p cloakroom-bench-overhead -- [--quick] [--json] [--check]
//! ```
//!
//! Instructions and allocations are counted by valgrind, so they do not depend on the machine's load, and decide;
//! nanoseconds are for information. `--check` exits with 1 unless cloakroom's instructions stay under half of
//! tower-sessions' in every case, and watching everything adds less than a twentieth to them.

mod case;
mod clock;
mod contender;
mod counted;
mod ours;
mod plain;
mod report;
mod server;
mod theirs;
mod watched;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use crate::case::Case;
use crate::contender::Contender;
use crate::counted::{Counter, DRIVE};
use crate::report::{Report, Table};
use crate::server::verify;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-overhead [--quick] [--json] [--check]";

/// Cloakroom's instructions over the plain router, as a share of tower-sessions', stay under this.
const LIMIT: f64 = 0.5;

/// What watching everything adds to them stays under this share.
const WATCHING: f64 = 0.05;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [DRIVE, contender, case, requests] => counted::drive(contender, case, requests).map(|()| true),
        flags => Options::parse(flags).and_then(bench),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(2)
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    quick: bool,
    json: bool,
    check: bool,
}

impl Options {
    fn parse(flags: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        for flag in flags {
            match *flag {
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--check" => options.check = true,
                other => return Err(format!("unknown argument `{other}`\n{USAGE}").into()),
            }
        }
        Ok(options)
    }
}

/// Measures everything and prints it; whether a check that was asked for passed.
fn bench(options: Options) -> Result<bool, Failure> {
    let runtime = runtime()?;
    for contender in Contender::ALL {
        for case in Case::ALL {
            runtime
                .block_on(verify(contender, case))
                .map_err(|wrong| format!("{contender} is broken in `{case}`: {wrong}"))?;
        }
    }
    say("every contender behaves in every case");

    let valgrind = counted::valgrind_is_installed();
    if !valgrind {
        say(
            "valgrind is not installed (Debian: `apt-get install valgrind`): no instructions, no allocations",
        );
    }
    let mut report = Report::default();
    for counter in [Counter::Instructions, Counter::Allocations] {
        let mut table = Table::new(counter.title());
        for case in Case::ALL.into_iter().filter(|_| valgrind) {
            say(&format!("counting {counter:?}: {case}"));
            table.add(case, counter.per_request(case, options.quick)?);
        }
        report.tables.push(table);
    }
    let mut table = Table::new("nanoseconds per request (informative)");
    for case in Case::ALL {
        say(&format!("timing: {case}"));
        table.add(case, runtime.block_on(clock::per_request(case, options.quick))?);
    }
    report.tables.push(table);

    let text = if options.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(!options.check || passes(&report.tables[0]))
}

/// Whether the instructions of every case stay under the limit; what was not counted does not pass.
fn passes(instructions: &Table) -> bool {
    let mut passed = instructions.rows.len() == Case::ALL.len();
    if !passed {
        say("check failed: instructions were not counted");
    }
    for row in &instructions.rows {
        if !matches!(row.watching.partial_cmp(&WATCHING), Some(std::cmp::Ordering::Less)) {
            say(&format!("check failed: watching adds {:.1} % to {}", row.watching * 100.0, row.case));
            passed = false;
        }
        // Written so that a ratio that is no number fails.
        if !matches!(row.ratio.partial_cmp(&LIMIT), Some(std::cmp::Ordering::Less)) {
            say(&format!(
                "check failed: {} is at {:.2} of tower-sessions, not under {LIMIT}",
                row.case, row.ratio
            ));
            passed = false;
        }
    }
    passed
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?)
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
fn say(line: &str) {
    eprintln!("{line}");
}
