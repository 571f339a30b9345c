//! Durable session updates a second on SQLite: cloakroom-sqlite beside tower-sessions-sqlx-store, in one run.
//!
//! Each contender is a process that keeps ten thousand sessions of about a hundred bytes in a file of its own, and
//! answers a change once it is on the disk. One update is what a request does to a session it has read: ours a
//! compare-and-swap (`Store::replace`), theirs an upsert (`SessionStore::save`). One read is `Store::get`, or
//! `SessionStore::load`, and the value decoded. All are asked by the same code ([`drive`]).
//!
//! ```text
//! cargo run --profile bench -p cloakroom-bench-stores -- [--quick] [--json]
//! ```
//!
//! The peer runs twice: with our promise (a write-ahead log, `synchronous=FULL`) and as many connections as suit it best,
//! and as it is unless told otherwise. The files lie in cargo's target directory, on a disk rather than in memory.

mod child;
mod cloakroom;
mod contender;
mod drive;
mod fsyncs;
mod ours;
mod peer;
mod report;
mod rounds;
mod visitor;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cloakroom_bench_report::{Cell, Options, end, say};

use crate::contender::{Case, Contender};
use crate::drive::Failure;
use crate::rounds::Effort;

const USAGE: &str = "usage: cloakroom-bench-stores [--quick] [--json]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["fill" | "drive", ..] => {
            child::run::<cloakroom::Cloakroom<cloakroom_sqlite::SqliteStore>>(&arguments)
        }
        flags => Options::parse(flags, USAGE).and_then(bench),
    };
    end(outcome.map(|()| true))
}

const fn effort(options: Options) -> Effort {
    if options.quick { Effort { rounds: 3, millis: 500 } } else { Effort { rounds: 9, millis: 2000 } }
}

fn bench(options: Options) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let target = target_directory()?;
    let peer = peer::build(&target)?;
    let directory = tempfile::tempdir_in(target)?;
    let contenders = Contender::all(&peer, directory.path())?;
    for contender in &contenders {
        say(&format!("filling: {}", contender.name));
        contender.fill()?;
    }
    let counts_fsyncs = fsyncs::strace_is_installed();
    if !counts_fsyncs {
        say("strace is not installed (Debian: `apt-get install strace`): fsyncs were not counted");
    }
    let mut rows = Vec::new();
    for case in Case::ALL {
        let counted_in = counts_fsyncs.then_some(directory.path()).filter(|_| case.is_update());
        rows.extend(measure(case, &contenders, effort(options), counted_in)?);
    }
    Ok(report::report(rows).print(options.json)?)
}

/// A row for each contender; fsyncs are counted if there is a directory to do that in.
fn measure(
    case: Case,
    contenders: &[Contender; 3],
    effort: Effort,
    counted_in: Option<&Path>,
) -> Result<[[Cell; 10]; 3], Failure> {
    let Case { operation, at_once } = case;
    say(&format!("{operation}, {at_once} at once: how many connections suit the peer"));
    let mut contenders = contenders.clone();
    let connections = rounds::best_connections(&contenders[1], case, effort.millis / 2)?;
    contenders[1] = contenders[1].with_connections(connections);
    say(&format!("{operation}, {at_once} at once: timing, the peer's connections: {connections}"));
    let outcomes = rounds::run(&contenders, case, effort)?;
    let mut counts = [None; 3];
    if let Some(directory) = counted_in {
        say(&format!("{operation}, {at_once} at once: counting fsyncs"));
        for (count, contender) in counts.iter_mut().zip(&contenders) {
            *count = Some(fsyncs::per_update(contender, case, effort.millis, directory)?);
        }
    }
    Ok(std::array::from_fn(|which| {
        report::row(case, &contenders[which], &outcomes[which], &outcomes[0], counts[which])
    }))
}

/// Where cargo put this program: the files need a disk, and what is temporary is often in memory.
fn target_directory() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(Path::parent);
    Ok(target.ok_or("this program does not lie in a target directory")?.into())
}
