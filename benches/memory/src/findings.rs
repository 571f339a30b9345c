//! What was found, as tables, and whether it is good enough.

use cloakroom_bench_report::{Cell, Curve, Report, Scale, Series, Table};

use crate::contender::{Kind, Way};
use crate::drive::{Filled, Mixed};
use crate::expiry::{LONGEST, Sweeping, Swept};
use crate::flood::Flooded;
use crate::meter::count;
use crate::say;

/// At two threads, cloakroom does at least so many times what tower-sessions' store does.
const TIMES: f64 = 3.0;
/// Of the limit's bytes, cloakroom takes no more than so many times as many.
const BYTES: f64 = 1.3;

const ABOUT: &str = "\
Sessions in the memory of one process, each store in a process of its own. Every session keeps the same value: 104 bytes and four
short texts, typed with cloakroom and the limit, in a map of JSON values with the peers, as their API asks.

*limit* is written by hand and no library: 64 shards of `RwLock<hashbrown::HashMap>`, one allocation for an entry with the same
facts as a cloakroom record and its value inline; no key is checked, no deadline looked at, no bound kept. `store` asks each
store in its own terms: read the record, and one time in ten write it back (cloakroom and the limit compare revisions, the peers
do not). `whole` asks the library as a handler does, by the visitor's key for a typed value: a SHA-256 of the key with cloakroom,
a conversion from JSON with the peers.";

/// What all processes of one number of sessions found.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) sessions: usize,
    /// Only for a curve.
    pub(crate) is_small: bool,
    pub(crate) filled: Vec<(Kind, Filled)>,
    pub(crate) mixes: Vec<Mix>,
}

/// One contender's rounds at one number of threads.
#[derive(Debug)]
pub(crate) struct Mix {
    pub(crate) kind: Kind,
    pub(crate) way: Way,
    pub(crate) threads: usize,
    pub(crate) rounds: Vec<Mixed>,
}

impl Mix {
    fn per_second(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| count(round.done) / round.seconds).collect()
    }

    /// CPU nanoseconds of an operation.
    fn cpu(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.cpu * 1e9 / count(round.done)).collect()
    }

    fn name(&self) -> String {
        format!("{}, {}", self.kind.name(), self.way.name())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    crate::meter::permille(&mut values, 500)
}

impl Size {
    fn bytes(&self, kind: Kind) -> Option<f64> {
        let (_, filled) = self.filled.iter().find(|(found, _)| *found == kind)?;
        Some(count(filled.bytes) / count(self.sessions))
    }

    fn mix(&self, kind: Kind, way: Way, threads: usize) -> Option<&Mix> {
        self.mixes.iter().find(|mix| (mix.kind, mix.way, mix.threads) == (kind, way, threads))
    }

    /// How many times what the peer does cloakroom does, round by round: in the same time, and for the same CPU.
    fn times(&self, peer: Kind, way: Way, threads: usize) -> Option<[Vec<f64>; 2]> {
        let ours = self.mix(Kind::Cloakroom, way, threads)?;
        let theirs = self.mix(peer, way, threads)?;
        let each =
            |more: &[f64], less: &[f64]| more.iter().zip(less).map(|(more, less)| more / less).collect();
        Some([each(&ours.per_second(), &theirs.per_second()), each(&theirs.cpu(), &ours.cpu())])
    }
}

/// Everything, for people and machines.
pub(crate) fn report(
    sizes: &[Size],
    sweepings: &[(Swept, Sweeping)],
    floods: &[(&'static str, Flooded)],
) -> Report {
    let mut report = Report::new("memory", ABOUT);
    let peers = ["cloakroom", "tower-sessions", "tower-sessions-memory-store", "tower-sessions-moka-store"];
    report.versions_in(include_str!("../../../Cargo.lock"), &[&peers[..], &["moka", "hashbrown"]].concat());
    let shown = || sizes.iter().filter(|size| !size.is_small);
    report.tables = vec![filling(shown()), mixing(shown()), sweeping(sweepings), flooding(floods)];
    report.curves = vec![curve(sizes)];
    report.notes = [
        "Bytes are the growth of resident memory while one thread fills the store, without the keys that the bench keeps. To begin \
         a session includes drawing and hashing its key with cloakroom; ids are given to the others.",
        "`store` of cloakroom writes the value that was read; a new typed value is made in `whole`.",
        "The middle of rounds in turn, least and most in brackets; eight requests are under way on each thread. CPU is of all threads.",
        "A call of a sweep gives its lock up in between: what it uses of its thread is more than any lock was held. The last call \
         has looked at all that is left. A reader's longest wait has the scheduler in it.",
        "axum_session keeps its sessions in a private map, which cannot be asked without its whole middleware: it is left out.",
    ]
    .map(String::from)
    .into();
    report
}

fn filling<'a>(sizes: impl Iterator<Item = &'a Size>) -> Table {
    let columns =
        ["store", "sessions", "bytes each", "of the limit", "begun a second", "CPU us to begin one"];
    let mut table = Table::new("filled by one thread", &columns);
    for size in sizes {
        let limit = size.bytes(Kind::Limit);
        for (kind, filled) in &size.filled {
            let bytes = count(filled.bytes) / count(size.sessions);
            table.row([
                kind.name().into(),
                Cell::whole(count(size.sessions)),
                Cell::whole(bytes),
                limit.map_or(Cell::None, |limit| Cell::ratio(bytes / limit)),
                Cell::whole(count(size.sessions) / filled.seconds),
                Cell::ratio(filled.cpu / count(size.sessions) * 1e6),
            ]);
        }
    }
    table
}

fn mixing<'a>(sizes: impl Iterator<Item = &'a Size>) -> Table {
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
            let times = size.times(mix.kind, mix.way, mix.threads);
            let times =
                times.map_or([Cell::None, Cell::None], |times| times.map(|times| Cell::spread(times, 2)));
            let head =
                [Cell::Text(mix.name()), Cell::whole(count(size.sessions)), Cell::whole(count(mix.threads))];
            let rates = [Cell::spread(thousands, 0), Cell::whole(median(mix.cpu()))];
            table.row(head.into_iter().chain(rates).chain(times));
        }
    }
    table
}

fn sweeping(sweepings: &[(Swept, Sweeping)]) -> Table {
    let columns = [
        "swept",
        "removed",
        "calls",
        "seconds",
        "longest call, CPU us",
        "99.9 %",
        "last call",
        "read meanwhile, us",
        "99.9 %",
        "longest",
    ];
    let mut table = Table::new("half of all sessions are over", &columns);
    for (swept, sweeping) in sweepings {
        let [read, late, longest] = sweeping.read.map(|nanoseconds| nanoseconds / 1e3);
        let number = |value: f64, places: usize| Cell::Number { value, places };
        table.row([
            swept.name().into(),
            Cell::whole(count(sweeping.removed)),
            Cell::whole(count(sweeping.calls)),
            Cell::ratio(sweeping.seconds),
            Cell::whole(sweeping.longest * 1e6),
            Cell::whole(sweeping.late * 1e6),
            Cell::whole(sweeping.last * 1e6),
            number(read, 1),
            number(late, 1),
            Cell::whole(longest),
        ]);
    }
    table
}

fn flooding(floods: &[(&'static str, Flooded)]) -> Table {
    let columns = ["flood", "attempts", "refused", "ns each", "sessions before", "after", "bytes grown"];
    let mut table = Table::new("a flood on cloakroom", &columns);
    for (name, flooded) in floods {
        let numbers = [flooded.attempts, flooded.refused].map(|number| Cell::whole(count(number)));
        let ends = [flooded.sessions[0], flooded.sessions[1], flooded.grown];
        let ends = ends.map(|number| Cell::whole(count(number)));
        table.row(
            [Cell::from(*name)].into_iter().chain(numbers).chain([Cell::whole(flooded.each)]).chain(ends),
        );
    }
    table
}

/// Nanoseconds of one thread for an operation, against the number of sessions.
fn curve(sizes: &[Size]) -> Curve {
    let mut series: Vec<Series> = Vec::new();
    for size in sizes {
        for mix in size.mixes.iter().filter(|mix| mix.threads == 1) {
            let each = 1e9 / median(mix.per_second());
            let point = (count(size.sessions), each);
            match series.iter_mut().find(|series| series.name == mix.name()) {
                Some(series) => series.points.push(point),
                None => series.push(Series { name: mix.name(), points: vec![point] }),
            }
        }
    }
    Curve {
        file: "memory-sessions".into(),
        title: "Nine reads and one update, one thread".into(),
        x: "sessions".into(),
        y: "ns each".into(),
        scale: Scale::Logarithmic,
        series,
    }
}

/// Whether all holds that is promised; what was not measured does not.
pub(crate) fn passes(
    sizes: &[Size],
    sweepings: &[(Swept, Sweeping)],
    floods: &[(&'static str, Flooded)],
) -> bool {
    let mut failures = Vec::new();
    let size = sizes.iter().find(|size| !size.is_small);
    for way in [Way::Store, Way::Whole] {
        let times = size
            .and_then(|size| size.times(Kind::Tower, way, 2))
            .map_or(f64::NAN, |[times, _]| median(times));
        if times.is_nan() || times < TIMES {
            failures.push(format!(
                "`{}` does {times:.2} times what tower-sessions does, not {TIMES}",
                way.name()
            ));
        }
    }
    for size in sizes.iter().filter(|size| !size.is_small) {
        let of = size
            .bytes(Kind::Cloakroom)
            .zip(size.bytes(Kind::Limit))
            .map_or(f64::NAN, |(ours, limit)| ours / limit);
        if of.is_nan() || of > BYTES {
            failures.push(format!(
                "{} sessions take {of:.2} times the limit's bytes, not {BYTES}",
                size.sessions
            ));
        }
    }
    let longest = sweepings.iter().find(|(swept, _)| *swept == Swept::Cloakroom);
    let longest = longest.map_or(f64::NAN, |(_, sweeping)| sweeping.longest);
    if longest.is_nan() || longest > LONGEST {
        failures.push(format!("a call of a sweep used {:.0} us, not {:.0}", longest * 1e6, LONGEST * 1e6));
    }
    let grown = floods.iter().filter(|(_, flooded)| flooded.sessions[0] != flooded.sessions[1]);
    failures.extend(grown.map(|(name, _)| format!("a flood {name} left sessions behind")));
    for failure in &failures {
        say(&format!("check failed: {failure}"));
    }
    failures.is_empty()
}
