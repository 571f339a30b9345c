//! A random walk of Cloakroom's sessions over browsers, a network and two nodes.
//!
//! The nodes are the library itself on one [`MemoryStore`](cloakroom::MemoryStore), with clocks
//! that differ and jump. Every call of the store suspends its caller, so requests interleave in any
//! order, and can be dropped at any point. The browsers are the testkit's `Client`: with tabs,
//! answers that are late or lost, double clicks, crashes that restore old cookies, prefetches, and
//! other sites' links, forms and frames. Next to them are programs with bearer keys. Users sign in
//! and out, as themselves or as another; operators revoke; sessions reach their limit and expire.
//!
//! Each world has a [`Policy`] of its own: `SameSite`, one cookie scope or two, also one that is
//! changed while both versions serve, the limit, what happens when a key is reused, and the number
//! of kinds.
//!
//! In every walk:
//! - A request with a key that must be valid opens its session, and can write. A user can always
//!   sign in. No answer takes the cookie of a live session from the browser, but to a sign-out or
//!   sign-in, or if the browser received it late.
//! - What was acknowledged is there, and in no other session. A key that a sign-in has replaced
//!   opens nothing, and a bearer key nothing as a cookie.
//! - A session is ended by its holder, an operator, the limit or the reuse policy. A read without
//!   touch does not extend it.
//! - Another site's request begins no session and signs no one in, unless the application says so.
//! - After a sign-in, the user has no more sessions than the limit.
//!
//! What the walk can notice is tested with nodes that have a [`Fault`].
//!
//! ```text
//! cloakroom-walk [--requests N] [--seed N]
//! ```
//!
//! A walk consists of episodes, each with a world of its own. The first violation of each kind is
//! printed with a short list of events that leads to it. Exit code 0: nothing was violated but what
//! is known. 1: something was. 2: invalid arguments.

mod command;
mod fault;
mod handler;
mod known;
mod ledger;
mod policy;
mod random;
mod server;
mod shrink;
mod world;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::ExitCode;

use command::Command;
use fault::Fault;
use policy::Policy;
use random::Random;
use world::{Counts, World};

/// Commands of an episode.
const EPISODE: usize = 2000;

/// What a walk found.
#[derive(Debug, Default)]
struct Findings {
    counts: Counts,
    episodes: u64,
    /// For each kind of violation, how often it was found, and the episode in which it was first.
    kinds: BTreeMap<String, (u64, u64)>,
}

/// A world of its own, and what happens in it.
#[derive(Clone)]
struct Episode {
    policy: Policy,
    fault: Fault,
    commands: Vec<Command>,
}

impl Episode {
    fn draw(seed: u64, number: u64, fault: Fault) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001) ^ (number << 20));
        random.next();
        let policy = Policy::draw(&mut random);
        let commands = (0..EPISODE).map(|_| Command::draw(&mut random)).collect();
        Self { policy, fault, commands }
    }

    fn world(&self, is_logged: bool) -> World {
        World::new(self.policy, self.fault, is_logged)
    }
}

/// Walks until this many requests were made.
fn walk(seed: u64, requests: u64, fault: Fault, mut progress: impl FnMut(u64)) -> Findings {
    let mut findings = Findings::default();
    while findings.requests() < requests {
        let episode = Episode::draw(seed, findings.episodes, fault);
        let mut world = episode.world(false);
        for command in episode.commands {
            world.apply(command);
        }
        world.settle();
        for kind in world.violations {
            findings.kinds.entry(kind).or_insert((0, findings.episodes)).0 += 1;
        }
        for (what, count) in world.counts.0 {
            *findings.counts.0.entry(what).or_default() += count;
        }
        findings.episodes += 1;
        progress(findings.requests());
    }
    findings
}

impl Findings {
    fn requests(&self) -> u64 {
        self.counts.0.get("requests").copied().unwrap_or(0)
    }
}

/// What happens in the shortest list of commands that has this violation.
fn trace(seed: u64, episode: u64, kind: &str) -> String {
    let episode = shrink::shrink(&Episode::draw(seed, episode, Fault::None), kind);
    let mut world = episode.world(true);
    for command in episode.commands {
        world.apply(command);
        if world.has_violated(kind) {
            return world.log.unwrap_or_default();
        }
    }
    world.settle();
    world.log.unwrap_or_default()
}

fn main() -> ExitCode {
    let (mut requests, mut seed) = (1_000_000, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        match (name.as_str(), arguments.next().and_then(|value| value.parse::<u64>().ok())) {
            ("--requests", Some(value)) => requests = value,
            ("--seed", Some(value)) => seed = value,
            _ => {
                // There is nothing to do if the usage message cannot be written.
                let _ = writeln!(io::stderr(), "usage: cloakroom-walk [--requests N] [--seed N]");
                return ExitCode::from(2);
            }
        }
    }
    match report(seed, requests) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Walks, and prints the result. True if nothing was violated but what is known.
fn report(seed: u64, requests: u64) -> io::Result<bool> {
    let mut next = 0;
    let findings = walk(seed, requests, Fault::None, |done| {
        if done >= next {
            // Progress that cannot be shown is no reason to stop.
            let _ = writeln!(io::stderr(), "{done} of {requests} requests");
            next = done + requests / 20;
        }
    });
    let mut out = io::stdout().lock();
    writeln!(out, "seed {seed}, {} episodes", findings.episodes)?;
    for (what, count) in findings.counts.0.iter().collect::<BTreeMap<_, _>>() {
        writeln!(out, "{count:>10} {what}")?;
    }
    for (kind, (count, episode)) in &findings.kinds {
        let known = known::reason(kind).map_or(String::new(), |why| format!(" (known: {why})"));
        writeln!(out, "\nVIOLATED {count} times, first in episode {episode}: {kind}{known}")?;
        writeln!(out, "{}", trace(seed, *episode, kind))?;
    }
    let violations = findings.kinds.values().map(|(count, _)| count).sum::<u64>();
    writeln!(out, "{violations} violations in {} requests", findings.requests())?;
    Ok(findings.kinds.keys().all(|kind| known::reason(kind).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_of_20_000_requests_violates_only_what_is_known() {
        let findings = walk(1, 20_000, Fault::None, |_| {});
        for (kind, (_, episode)) in &findings.kinds {
            assert!(known::reason(kind).is_some(), "{kind}\n{}", trace(1, *episode, kind));
        }
        for (what, least) in [
            ("opens judged", 5000),
            ("repeated sign-ins judged", 10),
            ("late answers that replaced a newer cookie", 50),
            ("sessions ended", 500),
            ("sessions ended: signed out", 200),
            ("sessions ended: signed out elsewhere", 10),
            ("sessions ended: session limit", 20),
            ("sessions ended: key reused", 2),
            ("limits judged", 500),
            ("sign-outs elsewhere judged", 20),
            ("reads without touch judged", 300),
            ("sessions opened by a bearer key", 30),
            ("sessions begun by a link", 20),
            ("sessions begun by a partner's form", 50),
            ("requests of other sites refused", 200),
            ("cookies removed in a former scope", 10),
            ("disconnects", 100),
            ("crashes", 100),
        ] {
            let count = findings.counts.0.get(what).copied().unwrap_or(0);
            assert!(count >= least, "{count} {what}");
        }
    }

    #[test]
    fn a_seed_repeats_its_walk() {
        let walk = || {
            let findings = walk(2, 2000, Fault::None, |_| {});
            (findings.kinds, findings.counts.0.into_iter().collect::<BTreeMap<_, _>>())
        };
        assert_eq!(walk(), walk());
    }
    /// The walk is only worth something if it can fail.
    #[test]
    fn every_fault_of_the_nodes_is_noticed() {
        for fault in Fault::ALL {
            let findings = walk(1, 20_000, fault, |_| {});
            let found = |kind: &str| findings.kinds.keys().any(|found| found == kind);
            for kind in fault.violations() {
                assert!(found(kind), "{fault:?} leads to {:?}", findings.kinds);
            }
        }
    }
}
