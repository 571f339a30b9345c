//! Millions of sessions in the memory of one process: bytes and throughput.
//!
//! Each store fills a process of its own, which then lives on: rounds take turns. Five million
//! sessions take about 13 GB in all processes together.

mod baseline;
pub mod contender;
mod drive;
mod ours;

use self::contender::{Kind, Way};
use self::drive::{Filled, Mixed};
use crate::Failure;
use crate::child::{Child, this_program};
use crate::meter::{count, median};
use crate::options::{Goals, Options, say};
use crate::report::{Cell, Report, Table};

/// The bench's name on the command line.
pub const NAME: &str = "memory";

pub const CLOAKROOM: &str = "cloakroom";
pub const BASELINE: &str = "baseline";

/// The stores of this package; `cloakroom-compare` adds its own.
pub const OURS: [Kind; 2] =
    [Kind::library::<ours::Ours>(CLOAKROOM), Kind::store::<baseline::Baseline>(BASELINE)];

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: Options,
    /// Numbers of sessions [default: 1000000,5000000]
    #[arg(long, value_delimiter = ',')]
    pub sessions: Vec<usize>,
}

const ABOUT: &str = "\
Sessions in the memory of one process, each store in a process of its own. Every session keeps the
same value: 104 bytes and four short strings, typed with cloakroom and the baseline, in a map of
JSON values with the peers, as their API requires.

The *baseline* is written by hand and is no library: 64 shards of `RwLock<HashMap>`, one allocation
for an entry with the same facts as a cloakroom record and its value inline. It checks no key and
no deadline and has no bound. `store` asks each store in its own terms: read the record, and write
it back one time in ten (cloakroom and the baseline compare revisions, the peers do not). `whole`
asks the library as a handler does, by the visitor's key for a typed value: that includes a SHA-256
of the key with cloakroom and a conversion from JSON with the peers.";

const NOTES: &str = "\
- Bytes are the growth of resident memory while one thread fills the store, without the keys that
  the bench keeps. Beginning a session includes drawing and hashing its key with cloakroom; the
  other stores are given ids.
- `store` of cloakroom writes the value that was read; `whole` makes a new typed value.
- Rounds take turns: the median, with the least and the most. Eight requests are in flight on each
  thread. CPU is that of all threads.
- axum_session keeps its sessions in a private map, which only its whole middleware can reach: it
  is left out.";

/// The figures at one number of sessions.
#[derive(Debug)]
pub struct Size {
    sessions: usize,
    filled: Vec<(&'static str, Filled)>,
    mixes: Vec<Mix>,
}

/// One contender's rounds at one number of threads.
#[derive(Debug)]
struct Mix {
    kind: &'static str,
    way: Way,
    threads: usize,
    rounds: Vec<Mixed>,
}

impl Mix {
    fn per_second(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| count(round.done) / round.seconds).collect()
    }

    /// CPU nanoseconds of an operation.
    fn cpu(&self) -> Option<f64> {
        median(self.rounds.iter().map(|round| round.cpu * 1e9 / count(round.done)).collect())
    }
}

impl Size {
    /// Cloakroom's throughput as a multiple of the other's, round by round; empty if one of them
    /// was not measured.
    #[must_use]
    pub fn times(&self, other: &str, way: Way, threads: usize) -> Vec<f64> {
        let rates = |kind| {
            let wanted = |mix: &&Mix| (mix.kind, mix.way, mix.threads) == (kind, way, threads);
            self.mixes.iter().find(wanted).map(Mix::per_second).unwrap_or_default()
        };
        rates(CLOAKROOM).iter().zip(rates(other)).map(|(ours, theirs)| ours / theirs).collect()
    }

    /// Bytes over those of the baseline.
    fn bytes_over_baseline(&self, filled: &Filled) -> Option<f64> {
        let (_, base) = self.filled.iter().find(|(name, _)| *name == BASELINE)?;
        Some(count(filled.bytes) / count(base.bytes))
    }
}

/// Measures these stores; the report, and the figures for goals of the caller.
pub fn bench(
    name: &'static str,
    kinds: &[Kind],
    args: &Args,
) -> Result<(Report, Vec<Size>), Failure> {
    crate::require_release_build()?;
    let (rounds, sessions): (usize, &[usize]) = match args.sessions.as_slice() {
        [] if args.options.quick => (3, &[100_000]),
        [] => (11, &[1_000_000, 5_000_000]),
        sessions => (if args.options.quick { 3 } else { 11 }, sessions),
    };
    let sizes = sessions.iter().map(|sessions| measure(kinds, *sessions, rounds));
    let sizes = sizes.collect::<Result<Vec<_>, _>>()?;
    let mut report = Report::new(name, ABOUT, NOTES);
    report.tables = vec![filling(&sizes), mixing(&sizes)];
    Ok((report, sizes))
}

/// All stores with so many sessions each; their rounds take turns.
fn measure(kinds: &[Kind], sessions: usize, rounds: usize) -> Result<Size, Failure> {
    const MILLIS: usize = 300;
    let (mut children, mut filled) = (Vec::new(), Vec::new());
    for kind in kinds {
        say(&format!("{sessions} sessions: filling {}", kind.name));
        let words = [NAME, kind.name, &sessions.to_string()];
        let mut child = Child::start(&mut this_program(&words)?)?;
        filled.push((kind.name, child.json()?));
        children.push(child);
    }
    let mut mixes = Vec::new();
    for threads in [1, 2] {
        say(&format!("{sessions} sessions: reads and updates, threads: {threads}"));
        let mut turns: Vec<(usize, Mix)> = Vec::new();
        for (number, kind) in kinds.iter().enumerate() {
            let mix = |way: &Way| Mix { kind: kind.name, way: *way, threads, rounds: Vec::new() };
            turns.extend(kind.ways.iter().map(mix).map(|mix| (number, mix)));
        }
        for round in 0..rounds {
            // Each goes first as often as any other.
            for turn in 0..turns.len() {
                let which = (round + turn) % turns.len();
                let (number, mix) = &mut turns[which];
                let child = &mut children[*number];
                child.tell(&format!("{} {threads} {MILLIS}", mix.way.name()))?;
                mix.rounds.push(child.json()?);
            }
        }
        mixes.extend(turns.into_iter().map(|(_, mix)| mix));
    }
    Ok(Size { sessions, filled, mixes })
}

/// Is the process of one store, with so many sessions.
pub fn drive(kinds: &[Kind], words: &[&str]) -> Result<(), Failure> {
    let [name, sessions] = words else {
        return Err("expected the name of a store and a number of sessions".into());
    };
    let kind = kinds.iter().find(|kind| kind.name == *name);
    (kind.ok_or_else(|| format!("no store is called `{name}`"))?.serve)(sessions.parse()?)
}

fn filling(sizes: &[Size]) -> Table {
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
            let of_baseline = size.bytes_over_baseline(filled);
            table.row([
                (*kind).into(),
                size.sessions.into(),
                Cell::number(count(filled.bytes) / sessions, 0),
                of_baseline.map_or(Cell::None, |ratio| Cell::number(ratio, 2)),
                Cell::number(sessions / filled.seconds, 0),
                Cell::number(filled.cpu / sessions * 1e6, 2),
            ]);
        }
    }
    table
}

fn mixing(sizes: &[Size]) -> Table {
    let columns = [
        "store, asked",
        "sessions",
        "threads",
        "thousands a second",
        "CPU ns each",
        "cloakroom does, times",
    ];
    let mut table = Table::new("nine reads, one update", &columns);
    for size in sizes {
        for mix in &size.mixes {
            table.row([
                Cell::Text(format!("{}, {}", mix.kind, mix.way.name())),
                size.sessions.into(),
                mix.threads.into(),
                Cell::spread(mix.per_second().iter().map(|rate| rate / 1e3).collect(), 0),
                mix.cpu().map_or(Cell::None, |cpu| Cell::number(cpu, 0)),
                Cell::spread(size.times(mix.kind, mix.way, mix.threads), 2),
            ]);
        }
    }
    table
}

/// Cloakroom's bytes over the baseline's.
#[must_use]
pub fn check(sizes: &[Size]) -> Goals {
    let mut goals = Goals::default();
    for size in sizes {
        let ours = size.filled.iter().find(|(name, _)| *name == CLOAKROOM);
        let bytes = ours.and_then(|(_, filled)| size.bytes_over_baseline(filled));
        let what = format!("bytes of {} sessions over the baseline's", size.sessions);
        goals.at_most(&what, bytes, 1.3);
    }
    goals
}

/// Fails unless every store keeps what is written; for tests.
pub fn works(kinds: &[Kind]) -> Result<(), Failure> {
    // What our store holds is typed, and only the library shows it.
    let shows = |kind: &Kind, way: &Way| (kind.name, *way) != (CLOAKROOM, Way::Store);
    for kind in kinds {
        let ways: Vec<Way> = kind.ways.iter().filter(|way| shows(kind, way)).copied().collect();
        (kind.works)(&ways).map_err(|wrong| format!("{}: {wrong}", kind.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_contender_keeps_what_is_written() {
        super::works(&super::OURS).unwrap();
    }
}
