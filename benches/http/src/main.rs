//! What a session costs a server that serves: Cloakroom beside its peers, whole programs under load, in one run.
//!
//! axum and actix-web without sessions, with Cloakroom and with the libraries that others use there, and express with
//! express-session. Each is a process of its own ([`serve`]) that wrk asks over loopback; what counts is the CPU that the
//! server spends on a request, for load and server share the machine. Rounds are interleaved, and every contender is
//! first seen to keep its sessions ([`running`]).
//!
//! ```text
//! cargo xtask bench http [--quick] [--json] [--check]
//! ```
//!
//! `--check` exits with 1 unless, with one thread, a read with Cloakroom on axum costs at most 1.05 times the CPU of bare
//! axum, and express-session's reads and writes cost at least three times ours.

mod case;
mod check;
mod child;
mod client;
mod contender;
mod cpu;
mod express;
#[path = "../../overhead/src/limit.rs"]
mod limit;
mod measured;
mod report;
mod rounds;
mod running;
mod serve;
mod visitor;
mod wrk;

use std::error::Error;
use std::process::ExitCode;

use cloakroom_bench_report::{Options, end, say};

use crate::child::SERVE;
use crate::rounds::Plan;
use crate::running::Places;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-http [--quick] [--json] [--check]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments.as_slice() {
        [SERVE, contender, threads] => serve::serve(contender, threads).map(|()| true),
        ref flags => Options::parse(flags, USAGE).and_then(bench),
    };
    end(outcome)
}

/// Measures everything and prints it; whether a check that was asked for passed.
fn bench(options: Options) -> Result<bool, Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let plan = if options.quick { Plan::QUICK } else { Plan::WHOLE };
    let express = express::install()?;
    let scratch = tempfile::tempdir()?;
    let places = Places { express: &express, scratch: scratch.path() };

    let groups = rounds::groups(plan, places)?;
    let connections = rounds::curve(plan, places)?;
    let report = report::report(plan, &groups, &connections)?;
    report.print(options.json)?;
    Ok(!options.check || check::passes(&groups))
}
