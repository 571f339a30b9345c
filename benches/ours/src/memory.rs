//! Millions of sessions in the memory of one process: bytes, throughput, expiry and floods.
//!
//! Each store fills a process of its own, which then lives on: rounds take turns. Five million
//! sessions take about 13 GB in all processes together.

pub mod baseline;
pub mod contender;
mod drive;
mod expiry;
mod flood;
mod ours;
mod tables;

use std::time::Duration;

use self::contender::{Kind, Way};
use self::expiry::{SWEEPS, Sweeping};
use self::flood::Flooded;
pub use self::tables::{Mix, Size};
use crate::Failure;
use crate::child::{Child, this_program};
use crate::options::{Goals, Options, say};
use crate::report::Report;

/// The bench's name on the command line.
pub const NAME: &str = "memory";
/// Flags that [`bench`] knows.
pub const FLAGS: &str = "--sessions --quick --json --check --save";

pub const CLOAKROOM: &str = "cloakroom";
pub const BASELINE: &str = "baseline";

/// The stores of this package; `cloakroom-compare` adds its own.
pub const OURS: [Kind; 2] =
    [Kind::library::<ours::Ours>(CLOAKROOM), Kind::store::<baseline::Baseline<64>>(BASELINE)];

/// Parts of the bench that run in processes of their own.
const FILL: &str = "fill";
const SWEEP: &str = "sweep";
const FLOOD: &str = "flood";

/// Numbers of sessions that only the table over numbers of sessions shows.
const SMALL: [usize; 2] = [10_000, 100_000];

/// All figures of a run.
#[derive(Debug)]
pub struct Measured {
    pub sizes: Vec<Size>,
    sweepings: Vec<(&'static str, Sweeping)>,
    floods: Vec<(&'static str, Flooded)>,
}

/// Measures these stores, and how cloakroom's expires and withstands floods.
pub fn bench(name: &str, kinds: &[Kind], options: &Options) -> Result<(Report, Measured), Failure> {
    crate::require_release_build()?;
    let effort = Effort::of(options.quick);
    let mut sizes = Vec::new();
    for sessions in SMALL {
        sizes.push(size(kinds, sessions, &[1], effort)?);
    }
    let sessions: &[usize] = match options.sessions.as_slice() {
        [] if options.quick => &[200_000],
        [] => &[1_000_000, 5_000_000],
        sessions => sessions,
    };
    for sessions in sessions {
        sizes.push(size(kinds, *sessions, &[1, 2], effort)?);
    }
    let mut sweepings = Vec::new();
    for (name, _) in SWEEPS {
        say(&format!("{} sessions, half of them expired: {name}", effort.swept));
        let words = [NAME, SWEEP, name, &effort.swept.to_string()];
        sweepings.push((name, Child::start(&mut this_program(&words)?)?.json()?));
    }
    let mut floods = Vec::new();
    for flood in flood::NAMES {
        say(&format!("a flood of {}: {flood}", effort.flood));
        let words = [NAME, FLOOD, flood, &effort.flood.to_string()];
        floods.push((flood, Child::start(&mut this_program(&words)?)?.json()?));
    }
    let measured = Measured { sizes, sweepings, floods };
    Ok((tables::report(name, &measured), measured))
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Effort {
    rounds: usize,
    round: Duration,
    swept: usize,
    flood: usize,
}

impl Effort {
    const fn of(quick: bool) -> Self {
        if quick {
            let round = Duration::from_millis(200);
            Self { rounds: 3, round, swept: 400_000, flood: 300_000 }
        } else {
            let round = Duration::from_millis(300);
            Self { rounds: 11, round, swept: 2_000_000, flood: 3_000_000 }
        }
    }
}

/// All stores with so many sessions each; their rounds take turns.
fn size(
    kinds: &[Kind],
    sessions: usize,
    threads: &[usize],
    effort: Effort,
) -> Result<Size, Failure> {
    let (mut children, mut filled) = (Vec::new(), Vec::new());
    for kind in kinds {
        say(&format!("{sessions} sessions: filling {}", kind.name));
        let words = [NAME, FILL, kind.name, &sessions.to_string()];
        let mut child = Child::start(&mut this_program(&words)?)?;
        filled.push((kind.name, child.json()?));
        children.push(child);
    }
    let mut mixes = Vec::new();
    for threads in threads {
        say(&format!("{sessions} sessions: reads and updates by {threads} threads"));
        let mut turns: Vec<(usize, Mix)> = Vec::new();
        for (number, kind) in kinds.iter().enumerate() {
            let mix = |way: &Way| Mix::new(kind.name, *way, *threads);
            turns.extend(kind.ways.iter().map(mix).map(|mix| (number, mix)));
        }
        for round in 0..effort.rounds {
            // Each goes first as often as any other.
            for turn in 0..turns.len() {
                let which = (round + turn) % turns.len();
                let (number, mix) = &mut turns[which];
                let child = &mut children[*number];
                child.tell(&format!(
                    "{} {threads} {}",
                    mix.way.name(),
                    effort.round.as_millis()
                ))?;
                mix.rounds.push(child.json()?);
            }
        }
        mixes.extend(turns.into_iter().map(|(_, mix)| mix));
    }
    let is_small = SMALL.contains(&sessions);
    Ok(Size { sessions, is_small, filled, mixes })
}

/// Does one part of the bench; called in a process of its own.
pub fn drive(kinds: &[Kind], words: &[&str]) -> Result<(), Failure> {
    let [part, name, number] = words else {
        return Err("expected a part of the bench, a name and a number".into());
    };
    let number = number.parse()?;
    match *part {
        FILL => {
            let kind = kinds.iter().find(|kind| kind.name == *name);
            (kind.ok_or_else(|| format!("no store is called `{name}`"))?.serve)(number)
        }
        SWEEP => expiry::run(name, number),
        FLOOD => flood::run(name, number),
        other => Err(format!("no part of the bench is called `{other}`").into()),
    }
}

/// Cloakroom's bytes over the baseline's, what a sweep holds up, and what floods leave behind.
#[must_use]
pub fn check(measured: &Measured) -> Goals {
    /// Multiple of the baseline's bytes.
    const BYTES: f64 = 1.3;
    /// Seconds of CPU in one call of a sweep.
    const SWEEP: f64 = 0.000_5;
    let mut goals = Goals::default();
    for size in measured.sizes.iter().filter(|size| !size.is_small) {
        let bytes = size.bytes(CLOAKROOM).zip(size.bytes(BASELINE));
        let what = format!("bytes of {} sessions over the baseline's", size.sessions);
        goals.at_most(&what, bytes.map(|(ours, baseline)| ours / baseline), BYTES);
    }
    let longest = measured.sweepings.first().map(|(_, sweeping)| sweeping.longest);
    goals.at_most("CPU seconds of one call of a sweep", longest, SWEEP);
    for (name, flooded) in &measured.floods {
        let [before, after] = flooded.sessions.map(crate::meter::count);
        goals.at_most(&format!("sessions after a flood {name}"), Some(after), before);
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
