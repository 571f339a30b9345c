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
use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
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
#[derive(Serialize)]
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
    let text = if options.json { serde_json::to_string_pretty(&rows)? } else { table(&rows) };
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
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

fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        "| store | sessions | filled in | bytes each | list ten | read: median, 99 %, slowest | swept | in | read meanwhile |"
            .to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    let times = |[median, late, slowest]: [f64; 3]| {
        format!("{median:.0} us, {:.1} ms, {:.1} ms", late / 1e3, slowest / 1e3)
    };
    for row in rows {
        lines.push(format!(
            "| {} | {} | {:.0} s | {:.0} | {:.0} us | {} | {} | {:.1} s | {} |",
            row.store,
            row.sessions,
            row.fill_seconds,
            row.bytes_each,
            row.list_us,
            times(row.read_us),
            row.swept,
            row.sweep_seconds,
            times(row.read_while_swept_us),
        ));
    }
    lines.join("\n")
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
