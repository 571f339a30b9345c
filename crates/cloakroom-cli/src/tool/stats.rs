//! `cloakroom stats`: how many sessions there are, how old and how large.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;

use cloakroom::record::{Record, Stored};
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, Timestamp};
use serde::Serialize;

use super::access::Access;
use super::entry::{State, value_bytes};
use super::{output, scan};
use crate::time;

/// Count sessions by state, and show their ages and sizes
///
/// Reads every session once.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
}

#[derive(Default)]
struct Tally {
    live: u64,
    expired: u64,
    ended: BTreeMap<String, u64>,
    signed_in: u64,
    principals: HashSet<Principal>,
    bytes: u64,
    largest: u64,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
}

/// The tally in JSON. All but `expired` and `ended` is about live sessions.
#[derive(Serialize)]
struct Report {
    live: u64,
    /// Past a deadline, not yet removed.
    expired: u64,
    /// Ended before their deadline, by reason.
    ended: BTreeMap<String, u64>,
    signed_in: u64,
    anonymous: u64,
    principals: usize,
    bytes: Bytes,
    oldest: Option<String>,
    newest: Option<String>,
}

/// The sizes of values, in bytes.
#[derive(Serialize)]
struct Bytes {
    total: u64,
    mean: u64,
    largest: u64,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let now = SystemClock.now();
    let mut tally = Tally::default();
    scan::all(&options.access.read_only()?, None, &mut |_, stored| {
        tally.count(&stored, now);
        Ok(true)
    })?;
    if options.access.json {
        output::object(&tally.report())?;
    } else {
        output::facts(tally.facts(now))?;
    }
    Ok(())
}

impl Tally {
    fn count(&mut self, stored: &Stored, now: Timestamp) {
        match stored {
            Stored::Ended(tombstone) => {
                *self.ended.entry(tombstone.ending().reason().to_string()).or_default() += 1;
            }
            Stored::Live(_) if State::of(stored, now) == State::Expired => self.expired += 1,
            Stored::Live(record) => self.count_live(record),
        }
    }

    fn count_live(&mut self, record: &Record) {
        let bytes = value_bytes(record) as u64;
        let created = record.created();
        self.live += 1;
        self.bytes += bytes;
        self.largest = self.largest.max(bytes);
        self.oldest = Some(self.oldest.map_or(created, |oldest| oldest.min(created)));
        self.newest = Some(self.newest.map_or(created, |newest| newest.max(created)));
        if let Some(principal) = record.principal() {
            self.signed_in += 1;
            self.principals.insert(principal.clone());
        }
    }

    fn report(self) -> Report {
        Report {
            live: self.live,
            expired: self.expired,
            ended: self.ended,
            signed_in: self.signed_in,
            anonymous: self.live - self.signed_in,
            principals: self.principals.len(),
            bytes: Bytes {
                total: self.bytes,
                mean: self.bytes.checked_div(self.live).unwrap_or(0),
                largest: self.largest,
            },
            oldest: self.oldest.and_then(time::rfc3339),
            newest: self.newest.and_then(time::rfc3339),
        }
    }

    fn facts(self, now: Timestamp) -> Vec<(&'static str, String)> {
        let age = |created: Option<Timestamp>| {
            created.map_or_else(|| "-".to_owned(), |created| time::ago(created, now))
        };
        let (oldest, newest) = (age(self.oldest), age(self.newest));
        let report = self.report();
        let ended: u64 = report.ended.values().sum();
        let reasons: Vec<String> =
            report.ended.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let ended = if reasons.is_empty() {
            ended.to_string()
        } else {
            format!("{ended} ({})", reasons.join(", "))
        };
        let Bytes { total, mean, largest } = report.bytes;
        vec![
            ("live", report.live.to_string()),
            ("  signed in", format!("{} ({} principals)", report.signed_in, report.principals)),
            ("  anonymous", report.anonymous.to_string()),
            ("  oldest", oldest),
            ("  newest", newest),
            ("  bytes", format!("{total} (mean {mean}, largest {largest})")),
            ("expired, not yet removed", report.expired.to_string()),
            ("ended", ended),
        ]
    }
}
