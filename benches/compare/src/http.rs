//! What a session costs a whole server: axum, actix-web and express, with and without sessions.
//!
//! Each server is a process of its own that wrk sends requests over loopback. What counts is the
//! CPU that the server spends on a request, since load and server share the machine. Rounds are
//! interleaved, and every server first shows that it keeps its sessions.

mod client;
mod contender;
mod express;
mod running;
mod serve;
mod tables;
mod wrk;

use cloakroom_bench::Failure;
use cloakroom_bench::meter::median;
use cloakroom_bench::options::{Goals, Options, say};
use cloakroom_bench::overhead::case::Case;

use self::contender::Contender;
use self::running::Running;
use self::wrk::Load;

pub(crate) const NAME: &str = "http";
pub(crate) const FLAGS: &str = "--quick --json --check --save";

/// The requests that are measured.
const CASES: [Case; 3] = [Case::Bot, Case::Read, Case::ReadWrite];
/// Connections of the table over connections.
const CONNECTIONS: [u32; 4] = [1, 8, 32, 128];

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: usize,
    load: Load,
    /// Whether a round comes before those that count: node compiles what is called often.
    warms_up: bool,
}

/// One round of one contender.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// Requests a second.
    rate: f64,
    /// Microseconds of the server's CPU for a request.
    cpu: f64,
}

/// All contenders in one case; rounds of the same number were neighbours in time.
#[derive(Debug)]
struct Group {
    case: Case,
    threads: usize,
    load: Load,
    measured: Vec<(&'static Contender, Vec<Round>)>,
}

pub(crate) fn bench(options: &Options) -> Result<bool, Failure> {
    cloakroom_bench::require_release_build()?;
    // Fails at once if wrk is missing.
    let wrk = wrk::version()?;
    let load = Load { connections: 32, seconds: if options.quick { 1 } else { 2 } };
    let rounds = if options.quick { 1 } else { 5 };
    let plan = Plan { rounds, load, warms_up: !options.quick };
    let scratch = tempfile::tempdir()?;
    let express = express::install()?;
    let start = |contender: &'static Contender, case, threads| {
        Running::start(contender, case, threads, &express, scratch.path())
    };

    let mut groups = Vec::new();
    for threads in [1, 2] {
        for case in CASES {
            say(&format!("{case}, server threads: {threads}"));
            let servers = contender::ALL.iter().map(|contender| start(contender, case, threads));
            let servers = servers.collect::<Result<Vec<_>, _>>()?;
            groups.push(measure(&servers, case, threads, plan)?);
        }
    }
    let servers = contender::on_axum().map(|contender| start(contender, Case::Read, 1));
    let servers = servers.collect::<Result<Vec<_>, _>>()?;
    let mut by_connections = Vec::new();
    for connections in CONNECTIONS {
        say(&format!("{}, {connections} connections", Case::Read));
        let load = Load { connections, seconds: 1 };
        let plan = Plan { rounds: rounds.min(3), load, warms_up: false };
        by_connections.push(measure(&servers, Case::Read, 1, plan)?);
    }

    let mut report = tables::report(plan, &groups, &by_connections);
    report.versions_in(crate::LOCK, &tables::CRATES);
    report.versions.extend(express::versions()?);
    report.versions.push(("wrk".into(), wrk));
    options.finish(&report, &check(&groups))
}

/// Is a server; called in a process of its own.
pub(crate) fn drive(words: &[&str]) -> Result<(), Failure> {
    let [name, threads] = words else {
        return Err("expected a contender and a number of threads".into());
    };
    serve::serve(contender::named(name)?, threads.parse()?)
}

/// Rounds of all servers, in the other direction every second time.
fn measure(servers: &[Running], case: Case, threads: usize, plan: Plan) -> Result<Group, Failure> {
    if plan.warms_up {
        for server in servers {
            server.round(Load { seconds: 1, ..plan.load })?;
        }
    }
    let measured = servers.iter().map(|server| (server.contender, Vec::new()));
    let mut measured: Vec<_> = measured.collect();
    for round in 0..plan.rounds {
        let mut order: Vec<_> = servers.iter().zip(&mut measured).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (server, (_, rounds)) in order {
            rounds.push(server.round(plan.load)?);
        }
    }
    Ok(Group { case, threads, load: plan.load, measured })
}

impl Group {
    fn rounds(&self, name: &str) -> &[Round] {
        let found = self.measured.iter().find(|(contender, _)| contender.name == name);
        found.map_or(&[], |(_, rounds)| rounds)
    }

    /// Compares the CPU of a request, round by round.
    fn compared(&self, one: &str, other: &str, compare: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let rounds = self.rounds(one).iter().zip(self.rounds(other));
        rounds.map(|(one, other)| compare(one.cpu, other.cpu)).collect()
    }

    /// The CPU of `one` as a multiple of the other's, median.
    fn times(&self, one: &str, other: &str) -> Option<f64> {
        median(self.compared(one, other, |one, other| one / other))
    }
}

/// A session on axum costs next to nothing, and far less than one on express; with one thread.
fn check(groups: &[Group]) -> Goals {
    let times = |case, one, other| {
        let group = groups.iter().find(|group| group.case == case && group.threads == 1)?;
        group.times(one, other).filter(|times| times.is_finite())
    };
    let mut goals = Goals::default();
    let over = times(Case::Read, contender::AXUM_CLOAKROOM, contender::AXUM);
    goals.at_most("read, CPU of bare axum's", over, 1.05);
    for case in [Case::Read, Case::ReadWrite] {
        let express = times(case, contender::EXPRESS_SESSION, contender::AXUM_CLOAKROOM);
        goals.at_least(&format!("{case}, express-session's CPU over ours"), express, 3.0);
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads and writes with one thread: the CPU of bare axum, of ours, and of express-session.
    pub(super) fn groups(cpu: [f64; 3]) -> Vec<Group> {
        let names = [contender::AXUM, contender::AXUM_CLOAKROOM, contender::EXPRESS_SESSION];
        let group = |case| {
            let rounds = names.into_iter().zip(cpu);
            let measured = rounds.map(|(name, cpu)| {
                (contender::named(name).unwrap(), vec![Round { rate: 5e5 / cpu, cpu }])
            });
            let load = Load { connections: 32, seconds: 1 };
            Group { case, threads: 1, load, measured: measured.collect() }
        };
        vec![group(Case::Read), group(Case::ReadWrite)]
    }

    #[test]
    fn a_cheap_session_passes_and_an_expensive_one_does_not() {
        assert!(check(&groups([10.0, 10.4, 40.0])).0.is_empty());
        assert_eq!(check(&groups([10.0, 10.6, 40.0])).0.len(), 1);
        assert_eq!(check(&groups([10.0, 10.4, 30.0])).0.len(), 2);
        assert_eq!(check(&groups([0.0, 10.4, 40.0])).0.len(), 1);
    }

    #[test]
    fn what_was_not_measured_does_not_pass() {
        assert_eq!(check(&[]).0.len(), 3);
    }
}
