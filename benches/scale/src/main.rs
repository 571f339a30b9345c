//! A million sessions in each store: how many bytes each takes, how long it takes to list somebody's, and what readers notice
//! of a sweep that removes half of them.
//!
//! Private servers are started for it, on this machine: PostgreSQL and Redis without a log, for filling them is not what is
//! measured. Each session has a value of a hundred bytes; somebody is signed in on half of them, ten sessions each.
//!
//! ```text
//! cargo run --profile bench -p cloakroom-bench-scale -- [--sessions COUNT] [--store NAME] [--json]
//! ```

mod crowd;
mod engine;
mod measure;

use std::error::Error;
use std::process::ExitCode;

use cloakroom_bench_report::{Cell, Report, Table};
use tokio::runtime::Builder;

use crate::engine::Engine;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str =
    "usage: cloakroom-bench-scale [--sessions COUNT] [--store memory|sqlite|postgres|redis] [--json]";

struct Options {
    sessions: u64,
    only: Option<String>,
    json: bool,
}

/// What was found of one store. Times are microseconds, but for those in seconds.
struct Row {
    store: &'static str,
    sessions: u64,
    fill_seconds: f64,
    bytes_each: f64,
    /// The ids of somebody's ten sessions, median.
    list_us: f64,
    /// A read of one session while nothing else happens: median, of a hundred the slowest but one, and the slowest of all.
    read_us: [f64; 3],
    swept: u64,
    sweep_seconds: f64,
    /// The same while the sweep is under way.
    read_while_swept_us: [f64; 3],
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        say(USAGE);
        return ExitCode::from(2);
    };
    match bench(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn options() -> Option<Options> {
    let mut options = Options { sessions: 1_000_000, only: None, json: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match &*word {
            "--sessions" => options.sessions = words.next()?.parse().ok()?,
            "--store" => options.only = Some(words.next().filter(|name| Engine::NAMES.contains(&&**name))?),
            "--json" => options.json = true,
            _ => return None,
        }
    }
    Some(options)
}

fn bench(options: &Options) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    for name in Engine::NAMES {
        if options.only.as_ref().is_none_or(|only| only == name) {
            let engine = Engine::start(&runtime, name)?;
            rows.push(runtime.block_on(row(&engine, options.sessions))?);
        }
    }
    Ok(report(&rows).print(options.json)?)
}

async fn row(engine: &Engine, sessions: u64) -> Result<Row, Failure> {
    let before = engine.bytes().await?;
    say(&format!("{}: filling", engine.name));
    let began = measure::now();
    crowd::fill(&engine.store, sessions).await?;
    let fill_seconds = began.elapsed().as_secs_f64();
    let bytes_each = measure::ratio(engine.bytes().await?.saturating_sub(before), sessions);
    say(&format!("{}: listing and reading", engine.name));
    let list_us = measure::listing(&engine.store, sessions).await?;
    let read_us = measure::reading(&engine.store, sessions).await?;
    say(&format!("{}: sweeping", engine.name));
    let (swept, sweep_seconds, read_while_swept_us) = measure::sweeping(&engine.store, sessions).await?;
    Ok(Row {
        store: engine.name,
        sessions,
        fill_seconds,
        bytes_each,
        list_us,
        read_us,
        swept,
        sweep_seconds,
        read_while_swept_us,
    })
}

const ABOUT: &str = "\
Many sessions in each store: how many bytes each takes, how long it takes to list somebody's ten, and what a reader notices of a
sweep that removes half of all. PostgreSQL and Redis are private servers on this machine, without a log, for filling them is not
what is measured. Each session has a hundred bytes of value; on half of them somebody is signed in, ten sessions each.";

fn report(rows: &[Row]) -> Report {
    let mut report = Report::new("scale", ABOUT);
    report.versions_in(include_str!("../../../Cargo.lock"), &["cloakroom"]);
    let filled = ["store", "sessions", "filled in, s", "bytes each", "list ten, us", "swept", "in, s"];
    let reads =
        ["store", "read, us", "99 %, ms", "slowest, ms", "while swept, us", "99 %, ms ", "slowest, ms "];
    let (mut filled, mut reads) =
        (Table::new("filled, listed and swept", &filled), Table::new("one read after the other", &reads));
    for row in rows {
        let whole = |number: u64| Cell::whole(measure::ratio(number, 1));
        filled.row([
            row.store.into(),
            whole(row.sessions),
            Cell::whole(row.fill_seconds),
            Cell::whole(row.bytes_each),
            Cell::whole(row.list_us),
            whole(row.swept),
            Cell::Number { value: row.sweep_seconds, places: 1 },
        ]);
        let times = |[median, late, slowest]: [f64; 3]| {
            [median, late / 1e3, slowest / 1e3].map(|value| Cell::Number { value, places: 1 })
        };
        reads.row(
            [row.store.into()].into_iter().chain(times(row.read_us)).chain(times(row.read_while_swept_us)),
        );
    }
    report.tables = vec![filled, reads];
    report
        .notes
        .push("A reader's slowest has the scheduler in it: reader, sweep and server share two cores.".into());
    report
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
