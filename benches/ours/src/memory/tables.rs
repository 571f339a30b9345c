//! The figures as tables.

use super::contender::Way;
use super::drive::{Filled, Mixed};
use super::{BASELINE, CLOAKROOM, Measured};
use crate::meter::{count, median};
use crate::report::{Cell, Report, Table};

const ABOUT: &str = "\
Sessions in the memory of one process, each store in a process of its own. Every session keeps the \
same value: 104 bytes and four short strings, typed with cloakroom and the baseline, in a map of \
JSON values with the peers, as their API requires.

The *baseline* is written by hand and is no library: 64 shards of `RwLock<hashbrown::HashMap>`, \
one allocation for an entry with the same facts as a cloakroom record and its value inline. It \
checks no key and no deadline and has no bound. `store` asks each store in its own terms: read the \
record, and write it back one time in ten (cloakroom and the baseline compare revisions, the peers \
do not). `whole` asks the library as a handler does, by the visitor's key for a typed value: that \
includes a SHA-256 of the key with cloakroom and a conversion from JSON with the peers.";

const NOTES: [&str; 5] = [
    "Bytes are the growth of resident memory while one thread fills the store, without the keys \
     that the bench keeps. Beginning a session includes drawing and hashing its key with \
     cloakroom; the other stores are given ids.",
    "`store` of cloakroom writes the value that was read; `whole` makes a new typed value.",
    "Rounds take turns: the median, with the least and the most. Eight requests are in flight on \
     each thread. CPU is that of all threads.",
    "A call of a sweep releases its lock several times, so it holds no lock as long as it lasts. \
     The last call visits all remaining sessions. The longest read includes the scheduler's \
     delays.",
    "axum_session keeps its sessions in a private map, which only its whole middleware can reach: \
     it is left out.",
];

/// The figures at one number of sessions.
#[derive(Debug)]
pub struct Size {
    pub sessions: usize,
    /// Shown only in the table over numbers of sessions.
    pub is_small: bool,
    pub(super) filled: Vec<(&'static str, Filled)>,
    pub(super) mixes: Vec<Mix>,
}

/// One contender's rounds at one number of threads.
#[derive(Debug)]
pub struct Mix {
    kind: &'static str,
    pub(super) way: Way,
    threads: usize,
    pub(super) rounds: Vec<Mixed>,
}

impl Mix {
    pub(super) const fn new(kind: &'static str, way: Way, threads: usize) -> Self {
        Self { kind, way, threads, rounds: Vec::new() }
    }

    fn name(&self) -> String {
        format!("{}, {}", self.kind, self.way.name())
    }

    fn per_second(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| count(round.done) / round.seconds).collect()
    }

    /// CPU nanoseconds of an operation.
    fn cpu(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.cpu * 1e9 / count(round.done)).collect()
    }
}

impl Size {
    /// Bytes of a session.
    #[must_use]
    pub fn bytes(&self, kind: &str) -> Option<f64> {
        let (_, filled) = self.filled.iter().find(|(name, _)| *name == kind)?;
        Some(count(filled.bytes) / count(self.sessions))
    }

    fn mix(&self, kind: &str, way: Way, threads: usize) -> Option<&Mix> {
        self.mixes.iter().find(|mix| (mix.kind, mix.way, mix.threads) == (kind, way, threads))
    }

    /// Cloakroom's throughput as a multiple of the other's, round by round: in the same time, and
    /// for the same CPU.
    #[must_use]
    pub fn times(&self, other: &str, way: Way, threads: usize) -> Option<[Vec<f64>; 2]> {
        let ours = self.mix(CLOAKROOM, way, threads)?;
        let theirs = self.mix(other, way, threads)?;
        let each = |more: &[f64], less: &[f64]| {
            more.iter().zip(less).map(|(more, less)| more / less).collect()
        };
        let time = each(&ours.per_second(), &theirs.per_second());
        Some([time, each(&theirs.cpu(), &ours.cpu())])
    }
}

pub(super) fn report(name: &str, measured: &Measured) -> Report {
    let mut report = Report::new(name, ABOUT, &NOTES);
    let sizes = &measured.sizes;
    let large: Vec<&Size> = sizes.iter().filter(|size| !size.is_small).collect();
    report.tables = vec![filling(&large), mixing(&large), by_sessions(sizes)];
    report.tables.extend([sweeping(measured), flooding(measured)]);
    report
}

fn filling(sizes: &[&Size]) -> Table {
    let columns = [
        "store",
        "sessions",
        "bytes each",
        "of the baseline",
        "begun a second",
        "CPU us to begin one",
    ];
    let mut table = Table::new("filled by one thread", &columns);
    for size in sizes {
        let sessions = count(size.sessions);
        for (kind, filled) in &size.filled {
            let bytes = count(filled.bytes) / sessions;
            let of = size.bytes(BASELINE).map_or(Cell::None, |base| Cell::ratio(bytes / base));
            let each = [size.sessions.into(), Cell::whole(bytes), of];
            let rate = Cell::whole(sessions / filled.seconds);
            let cpu = Cell::ratio(filled.cpu / sessions * 1e6);
            table.row([(*kind).into()].into_iter().chain(each).chain([rate, cpu]));
        }
    }
    table
}

fn mixing(sizes: &[&Size]) -> Table {
    let columns = [
        "store, asked",
        "sessions",
        "threads",
        "thousands a second",
        "CPU ns each",
        "cloakroom does, times",
        "for the same CPU",
    ];
    let mut table = Table::new("nine reads, one update", &columns);
    for size in sizes {
        for mix in &size.mixes {
            let thousands = mix.per_second().iter().map(|rate| rate / 1e3).collect();
            let cpu = median(mix.cpu()).map_or(Cell::None, Cell::whole);
            let times = size.times(mix.kind, mix.way, mix.threads).unwrap_or_default();
            let head = [Cell::Text(mix.name()), size.sessions.into(), mix.threads.into()];
            let rates = [Cell::spread(thousands, 0), cpu];
            let times = times.map(|times| Cell::spread(times, 2));
            table.row(head.into_iter().chain(rates).chain(times));
        }
    }
    table
}

/// Nanoseconds of one thread for an operation.
fn by_sessions(sizes: &[Size]) -> Table {
    let heads: Vec<String> = sizes.iter().map(|size| size.sessions.to_string()).collect();
    let columns: Vec<&str> =
        ["store, asked"].into_iter().chain(heads.iter().map(String::as_str)).collect();
    let mut table = Table::new("ns of one operation by one thread, by sessions", &columns);
    for mix in sizes.first().map_or(&[][..], |size| &size.mixes) {
        let each = |size: &Size| {
            let rate = median(size.mix(mix.kind, mix.way, 1)?.per_second())?;
            Some(Cell::whole(1e9 / rate))
        };
        let cells = sizes.iter().map(|size| each(size).unwrap_or(Cell::None));
        table.row([Cell::Text(mix.name())].into_iter().chain(cells));
    }
    table
}

fn sweeping(measured: &Measured) -> Table {
    let columns = [
        "swept",
        "removed",
        "calls",
        "seconds",
        "longest call, CPU us",
        "99.9 %",
        "last call",
        "read meanwhile, us",
        "99.9 % of reads",
        "longest read",
    ];
    let mut table = Table::new("half of all sessions have expired", &columns);
    for (name, sweeping) in &measured.sweepings {
        let [read, late, longest] = sweeping.read;
        let calls = [sweeping.longest, sweeping.late, sweeping.last];
        let calls = calls.map(|seconds| Cell::whole(seconds * 1e6));
        let head = [(*name).into(), sweeping.removed.into(), sweeping.calls.into()];
        let reads = [Cell::number(read, 1), Cell::number(late, 1), Cell::whole(longest)];
        let seconds = [Cell::ratio(sweeping.seconds)];
        table.row(head.into_iter().chain(seconds).chain(calls).chain(reads));
    }
    table
}

fn flooding(measured: &Measured) -> Table {
    let columns =
        ["flood", "attempts", "refused", "ns each", "sessions before", "after", "bytes grown"];
    let mut table = Table::new("a flood on cloakroom", &columns);
    for (name, flooded) in &measured.floods {
        table.row([
            (*name).into(),
            flooded.attempts.into(),
            flooded.refused.into(),
            Cell::whole(flooded.each),
            flooded.sessions[0].into(),
            flooded.sessions[1].into(),
            flooded.grown.into(),
        ]);
    }
    table
}
