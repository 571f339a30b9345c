//! A million sessions in each store: bytes, listing, and what readers notice of a sweep.
//!
//! Servers are private ones on this machine, without durability: filling them is not measured.

mod fill;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom::Store;
use cloakroom::record::Stored;
use cloakroom::store::Page;
use tokio::runtime::Builder;

use self::fill::{half_time, id, principal};
use crate::Failure;
use crate::engine::Engine;
use crate::meter::{count, microseconds, now, permille};
use crate::options::{Options, say};
use crate::report::{Cell, Report, Table};

/// The bench's name on the command line.
pub const NAME: &str = "scale";

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: Options,
    /// Sessions in each store [default: 1000000, or 20000 with --quick]
    #[arg(long)]
    sessions: Option<usize>,
    /// The only store to measure
    #[arg(long, value_parser = Engine::NAMES)]
    only: Option<String>,
}

const ABOUT: &str = "\
Many sessions in each store: the bytes of each, how long it takes to list a principal's ten, and
what a reader notices of a sweep that removes half of all. PostgreSQL and Redis are private servers
on this machine without durability, since filling them is not measured. Each session has a value of
a hundred bytes. Half of the sessions have a principal, ten each.";

const NOTE: &str = "\
The slowest read includes the scheduler's delays: reader, sweep and server share the machine.";

pub fn bench(args: &Args) -> Result<Report, Failure> {
    crate::require_release_build()?;
    let sessions = args.sessions.unwrap_or(if args.options.quick { 20_000 } else { 1_000_000 });
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let columns =
        ["store", "sessions", "filled in, s", "bytes each", "list ten, us", "swept", "in, s"];
    let mut filled = Table::new("filled, listed and swept", &columns);
    let columns = [
        "store",
        "read, us",
        "99 %, ms",
        "slowest, ms",
        "during a sweep, us",
        "99 % then, ms",
        "slowest then, ms",
    ];
    let mut reads = Table::new("one read after another", &columns);
    for name in Engine::NAMES {
        if args.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let engine = Engine::start(&runtime, name, false)?;
        let [row, read] = runtime.block_on(rows(&engine, sessions))?;
        filled.row(row);
        reads.row(read);
    }
    let mut report = Report::new(NAME, ABOUT, NOTE);
    report.tables = vec![filled, reads];
    Ok(report)
}

/// One store's row of each table.
async fn rows(engine: &Engine, sessions: usize) -> Result<[Vec<Cell>; 2], Failure> {
    let Engine { name, store, .. } = engine;
    let before = engine.bytes().await?;
    say(&format!("{name}: filling"));
    let began = now();
    fill::fill(store, sessions).await?;
    let filled = began.elapsed().as_secs_f64();
    let grown = usize::try_from(engine.bytes().await?.saturating_sub(before))?;
    say(&format!("{name}: listing and reading"));
    let listed = listing(store, sessions).await?;
    let reads = reading(store, sessions).await?;
    say(&format!("{name}: sweeping"));
    let began = now();
    let (swept, reads_during) = sweeping(store, sessions).await?;
    let seconds = began.elapsed().as_secs_f64();
    let row = vec![
        (*name).into(),
        sessions.into(),
        Cell::number(filled, 0),
        Cell::number(count(grown) / count(sessions), 0),
        Cell::number(listed, 0),
        swept.into(),
        Cell::number(seconds, 1),
    ];
    let spread = |mut times: Vec<f64>| {
        let [median, late, slowest] = [500, 990, 1_000].map(|part| permille(&mut times, part));
        [median, late / 1e3, slowest / 1e3].map(|value| Cell::number(value, 1))
    };
    let reads = [(*name).into()].into_iter().chain(spread(reads)).chain(spread(reads_during));
    Ok([row, reads.collect()])
}

/// Microseconds for the ids of a principal's ten sessions, median.
async fn listing(store: &Arc<dyn Store>, sessions: usize) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for turn in 0..1_000 {
        let who = principal(turn * 7_919 % (sessions / 2))?;
        let began = now();
        let ids = store.sessions_of(&who, None, Page::first(50)).await?;
        times.push(microseconds(began.elapsed()));
        if ids.len() != 10 {
            return Err(format!("{who} has {} sessions", ids.len()).into());
        }
    }
    Ok(permille(&mut times, 500))
}

/// Microseconds of reads, one after another.
async fn reading(store: &Arc<dyn Store>, sessions: usize) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::new();
    for turn in 0..10_000 {
        times.push(read(store, turn, sessions).await?);
    }
    Ok(times)
}

/// Reads a session of the half that is not swept.
async fn read(store: &Arc<dyn Store>, turn: usize, sessions: usize) -> Result<f64, Failure> {
    let number = turn * 7_919 % (sessions / 2) * 2 + 1;
    let began = now();
    match store.get(id(number)).await? {
        Some(Stored::Live(_)) => Ok(microseconds(began.elapsed())),
        other => Err(format!("session {number} is {other:?}").into()),
    }
}

/// Removes half of all sessions: how many, and microseconds of reads meanwhile.
async fn sweeping(store: &Arc<dyn Store>, sessions: usize) -> Result<(usize, Vec<f64>), Failure> {
    /// Sessions removed by one step, as `Sessions::sweep` does.
    const STEP: usize = 200;
    let done = Arc::new(AtomicBool::new(false));
    let (reader, is_done) = (Arc::clone(store), Arc::clone(&done));
    let reading = tokio::spawn(async move {
        let (mut times, mut turn) = (Vec::new(), 0);
        while !is_done.load(Ordering::Relaxed) {
            times.push(read(&reader, turn, sessions).await?);
            turn += 1;
            tokio::task::yield_now().await;
        }
        Ok::<_, Failure>(times)
    });
    let (moment, mut swept) = (half_time(), 0);
    loop {
        let step = store.sweep(moment, STEP).await?;
        swept += step;
        if step < STEP {
            break;
        }
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    Ok((swept, reading.await??))
}
