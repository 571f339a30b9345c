//! Millions of sessions in memory: bytes, how many begin, are read and changed in a second, what expiry does to readers, and
//! what floods leave behind. Cloakroom beside tower-sessions' stores and beside a limit written by hand, in one run.
//!
//! ```text
//! cargo xtask bench memory [--sessions N,..] [--quick] [--json] [--check]
//! ```
//!
//! Each store fills a process of its own, which then lives on: rounds are taken in turn. Five million sessions take about 13 GB
//! in all of them together. `--check` exits with 1 unless cloakroom does three times what tower-sessions' memory store does at
//! two threads, takes no more than 1.3 times the limit's bytes, and no call of a sweep uses half a millisecond.

mod child;
mod contender;
mod drive;
mod expiry;
mod findings;
mod flood;
mod limit;
mod meter;
mod ours;
mod theirs;
mod visitor;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use crate::child::{CHILD, Child};
use crate::contender::Kind;
use crate::expiry::{SWEEP, Sweeping, Swept};
use crate::findings::{Mix, Size};
use crate::flood::{FLOOD, Flooded};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-memory [--sessions N,..] [--quick] [--json] [--check]";

/// Numbers of sessions that only the curve shows.
const SMALL: [usize; 2] = [10_000, 100_000];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [CHILD, store, sessions] => child::run(store, sessions).map(|()| true),
        [SWEEP, swept, sessions] => expiry::run(swept, sessions).map(|()| true),
        [FLOOD, name, attempts] => flood::run(name, attempts).map(|()| true),
        flags => Options::parse(flags).and_then(|options| bench(&options)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(2)
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Options {
    sessions: Vec<usize>,
    quick: bool,
    json: bool,
    check: bool,
}

impl Options {
    fn parse(flags: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match *flag {
                "--sessions" => {
                    let numbers = flags.next().ok_or(USAGE)?.split(',').map(str::parse);
                    options.sessions = numbers.collect::<Result<_, _>>()?;
                }
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--check" => options.check = true,
                other => return Err(format!("unknown argument `{other}`\n{USAGE}").into()),
            }
        }
        if options.sessions.is_empty() {
            options.sessions = if options.quick { vec![200_000] } else { vec![1_000_000, 5_000_000] };
        }
        Ok(options)
    }

    const fn effort(&self) -> (usize, Duration) {
        if self.quick { (3, Duration::from_millis(200)) } else { (11, Duration::from_millis(300)) }
    }
}

/// Measures everything and prints it; whether a check that was asked for passed.
fn bench(options: &Options) -> Result<bool, Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let mut sizes = Vec::new();
    for sessions in SMALL {
        sizes.push(size(sessions, &[1], options.effort(), true)?);
    }
    for sessions in &options.sessions {
        sizes.push(size(*sessions, &[1, 2], options.effort(), false)?);
    }
    let (many, flood) = if options.quick { (400_000, 300_000) } else { (2_000_000, 3_000_000) };
    let mut sweepings = Vec::new();
    for swept in Swept::ALL {
        say(&format!("{many} sessions, half of them over: {}", swept.name()));
        let sweeping: Sweeping = Child::start(&[SWEEP, swept.name(), &many.to_string()])?.hear()?;
        sweepings.push((swept, sweeping));
    }
    let mut floods = Vec::new();
    for name in flood::NAMES {
        say(&format!("a flood of {flood}: {name}"));
        let flooded: Flooded = Child::start(&[FLOOD, name, &flood.to_string()])?.hear()?;
        floods.push((name, flooded));
    }
    findings::report(&sizes, &sweepings, &floods).print(options.json)?;
    Ok(!options.check || findings::passes(&sizes, &sweepings, &floods))
}

/// All stores with so many sessions each, and what they do in turn.
fn size(
    sessions: usize,
    threads: &[usize],
    (rounds, span): (usize, Duration),
    is_small: bool,
) -> Result<Size, Failure> {
    let (mut children, mut filled) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        say(&format!("{sessions} sessions: filling {}", kind.name()));
        let (child, found) = Child::filled(kind, sessions)?;
        children.push((kind, child));
        filled.push((kind, found));
    }
    let mut mixes = Vec::new();
    for threads in threads {
        say(&format!("{sessions} sessions: reading and updating, threads: {threads}"));
        let ways = Kind::ALL.into_iter().flat_map(|kind| kind.ways().iter().map(move |way| (kind, *way)));
        let mut turns: Vec<Mix> =
            ways.map(|(kind, way)| Mix { kind, way, threads: *threads, rounds: Vec::new() }).collect();
        for round in 0..rounds {
            // Each goes first as often as any other.
            for turn in 0..turns.len() {
                let which = (round + turn) % turns.len();
                let mix = &mut turns[which];
                let child = children.iter_mut().find(|(kind, _)| *kind == mix.kind);
                let (_, child) = child.ok_or("a store has no process")?;
                mix.rounds.push(child.mix(mix.way, *threads, span)?);
            }
        }
        mixes.extend(turns);
    }
    Ok(Size { sessions, is_small, filled, mixes })
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
