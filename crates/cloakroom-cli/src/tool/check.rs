//! `cloakroom check`: is the store well?

use std::error::Error;
use std::time::{Duration, Instant};

use cloakroom::{PublicId, Store};
use cloakroom_any::Check;
use serde::Serialize;

use super::access::Access;
use super::{Finding, output, walk};
use crate::store;

/// Check a store: reachable, up to date, keeping what it acknowledges, every session readable, and how fast it answers.
///
/// Reads everything and changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    /// How long a read of one session takes, as a rule; microseconds.
    round_trip_us: f64,
    checks: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    ok: bool,
    found: String,
}

/// Reads that the time of one is the median of.
const READS: u8 = 101;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut checks = store::wait(options.access.store.url()?.check())??;
    let store = options.access.read()?;
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
    if ok { Ok(()) } else { Err(Finding::Problems.into()) }
}

/// Whether every session can be read; some of those that can't by name.
fn readable(store: &dyn Store) -> Check {
    let (mut count, mut unreadable) = (0_u64, Vec::new());
    let walked = walk::all_readable(
        store,
        None,
        &mut |_, _| {
            count += 1;
            Ok(true)
        },
        &mut |id| unreadable.push(id),
    );
    let some: Vec<String> = unreadable.iter().take(SHOWN).map(ToString::to_string).collect();
    let found = match (&walked, unreadable.len()) {
        (Err(error), _) => format!("no end was reached after {count}: {error}"),
        (Ok(_), 0) => format!("all {count}"),
        (Ok(_), few @ ..=SHOWN) => format!("{count}, and not {few}: {}", some.join(", ")),
        (Ok(_), many) => format!("{count}, and not {many}: {}, ..", some.join(", ")),
    };
    Check::new("sessions readable", walked.is_ok() && unreadable.is_empty(), found)
}

/// How many sessions that can't be read are named.
const SHOWN: usize = 10;

/// How long a read of one session takes, as a rule.
#[expect(clippy::disallowed_methods, reason = "a measurement that is shown to a person")]
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
