//! What a session costs a request: cloakroom beside its peers and beside the least it could cost, in one run.
//!
//! Everything runs in process: requests with a browser's cookie header go through an axum `Router` as a tower
//! service, on a current-thread runtime. Every contender keeps the same value in a memory store of its own, and is asked
//! the same things ([`Case`]).
//!
//! ```text
//! cargo run --profile bench -p cloakroom-bench-overhead -- [--quick] [--json] [--check] | --guard
//! ```
//!
//! Instructions and allocations are counted by valgrind, so they do not depend on the machine's load, and decide;
//! nanoseconds are for information. `--check` exits with 1 unless the [`goals`] are met. `--guard` counts only what
//! `cargo xtask guard` compares with the last time, and prints that as JSON.

mod actix;
mod answer;
mod by_hand;
mod case;
mod clock;
mod contender;
mod counted;
mod findings;
mod goals;
mod guarded;
mod limit;
mod ours;
mod peers;
mod plain;
mod server;
mod tables;
mod watched;

use std::error::Error;
use std::process::ExitCode;

use cloakroom_bench_report::{Options, end, say};

use crate::answer::verify;
use crate::case::Case;
use crate::contender::Contender;
use crate::counted::DRIVE;
use crate::findings::{Findings, Measure};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-overhead [--quick] [--json] [--check] | --guard";

/// The argument with which the program measures only what is compared with the last time.
const GUARD: &str = "--guard";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [DRIVE, contender, case, requests] => counted::drive(contender, case, requests).map(|()| true),
        [GUARD] => guarded::print().map(|()| true),
        flags => Options::parse(flags, USAGE).and_then(bench),
    };
    end(outcome)
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
    let mut findings = Findings::default();
    for case in Case::ALL.into_iter().filter(|_| valgrind) {
        say(&format!("counting: {case}"));
        for contender in Contender::ALL {
            findings.count(contender, case, counted::per_request(contender, case, options.quick)?);
        }
    }
    for case in Case::ALL {
        say(&format!("timing: {case}"));
        let times = runtime.block_on(clock::per_request(case, options.quick))?;
        for (contender, times) in Contender::ALL.into_iter().zip(times) {
            findings.add(contender, case, Measure::Wall, times.wall);
            findings.add(contender, case, Measure::Cpu, times.cpu);
        }
    }

    let report = tables::report(&findings);
    report.print(options.json)?;
    if !options.check {
        return Ok(true);
    }
    let missed = goals::missed(&findings);
    for missed in &missed {
        say(&format!("missed: {missed}"));
    }
    Ok(missed.is_empty())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_time().build()?)
}
