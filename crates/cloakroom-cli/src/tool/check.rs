//! `cloakroom check`: the health of a store.

use std::error::Error;
use std::time::{Duration, Instant};

use cloakroom::{PublicId, Store};
use cloakroom_any::Check;
use serde::Serialize;

use super::access::Access;
use super::{ExitReason, output, scan};
use crate::store;

/// Check a store's health: reachable, up to date, durable, every session readable, how fast
///
/// Reads every session and changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    /// The median time of reading one session, in microseconds.
    round_trip_us: f64,
    checks: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    ok: bool,
    found: String,
}

/// How many reads the median is taken of.
const READS: u8 = 101;
/// How many unreadable sessions are listed.
const LISTED: usize = 10;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut checks = store::block_on(options.access.store.url()?.check())??;
    let store = options.access.read_only()?;
    checks.push(readable(&*store));
    let round_trip_us = round_trip(&*store)?.as_secs_f64() * 1e6;
    checks.push(Check::new("round trip", true, format!("{round_trip_us:.1} microseconds")));
    let checks: Vec<Line> =
        checks.into_iter().map(|Check { name, ok, found, .. }| Line { name, ok, found }).collect();
    let ok = checks.iter().all(|check| check.ok);
    if options.access.json {
        output::object(&Report { ok, round_trip_us, checks })?;
    } else {
        let line = |check: Line| {
            [if check.ok { "ok" } else { "PROBLEM" }.to_owned(), check.name.to_owned(), check.found]
        };
        output::table(["", "CHECK", "FOUND"], checks.into_iter().map(line).collect())?;
    }
    if ok { Ok(()) } else { Err(ExitReason::ProblemsFound.into()) }
}

/// Checks that every session can be read, and lists some that cannot.
fn readable(store: &dyn Store) -> Check {
    let (mut count, mut unreadable) = (0_u64, Vec::new());
    let scanned = scan::all_readable(
        store,
        None,
        &mut |_, _| {
            count += 1;
            Ok(true)
        },
        &mut |id| unreadable.push(id),
    );
    let listed: Vec<String> = unreadable.iter().take(LISTED).map(ToString::to_string).collect();
    let found = match (&scanned, unreadable.len()) {
        (Err(error), _) => format!("failed after {count} sessions: {}", crate::chain(&**error)),
        (Ok(_), 0) => format!("all {count}"),
        (Ok(_), few @ ..=LISTED) => {
            format!("{count} readable, {few} unreadable: {}", listed.join(", "))
        }
        (Ok(_), many) => format!("{count} readable, {many} unreadable: {}, ...", listed.join(", ")),
    };
    Check::new("sessions readable", scanned.is_ok() && unreadable.is_empty(), found)
}

/// The median time of reading one session.
#[expect(clippy::disallowed_methods, reason = "measures real time, to show it")]
fn round_trip(store: &dyn Store) -> Result<Duration, Box<dyn Error>> {
    let known = store.scan(None, 1).wait()?.entries.first().map(|(id, _)| *id);
    let id = known.unwrap_or(PublicId::from_bytes([0; 16]));
    let mut times = Vec::new();
    for _ in 0..READS {
        let start = Instant::now();
        let _ = store.get(id).wait()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
