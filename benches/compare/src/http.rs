//! What a session costs a whole server: axum, actix-web and express, with and without sessions.
//!
//! Each server is a process of its own that wrk sends requests over loopback. What counts is the
//! CPU that the server spends on a request, since load and server share the machine. Rounds are
//! interleaved, and every server first shows that it keeps its sessions.

mod client;
mod contender;
mod express;
mod running;
mod wrk;

use cloakroom_bench::Failure;
use cloakroom_bench::meter::median;
use cloakroom_bench::options::{Goals, Options, say};
use cloakroom_bench::overhead::case::Case;
use cloakroom_bench::report::{Cell, Report, Table};

use self::contender::Contender;
use self::running::Running;

pub(crate) const NAME: &str = "http";

/// The requests that are measured.
const CASES: [(Case, &str); 3] = [
    (Case::Bot, "bot: a visitor without cookies, a handler that ignores the session"),
    (Case::Read, "read: a visitor with a session, a handler that reads it"),
    (Case::ReadWrite, "read-write: a visitor with a session, a handler that changes it"),
];

const ABOUT: &str = "\
Whole servers, each a process of its own with one thread, asked over loopback by wrk with 32
connections. All keep the same value of about a hundred bytes in a memory store, under cookies of
the same name, and 1000 sessions take turns; each server was verified before it was timed. Each is
under load for 2 s, one after another, 5 times: the median, with the least and the most. Load and
server share the machine, so requests a second depend on what the load leaves; CPU is the server's
own, user and system, as the kernel counts it.";

const NOTES: &str = "\
- \"Over bare\" compares with the same framework without sessions in the same round.
- CPU is counted in hundredths of a second, so half a percent of a round is noise. A server also
  pays for delivering its responses to the other end of the loopback.
- node's threads for garbage collection and compilation are counted.
- axum_session, by its defaults, begins a session for every visitor and sends its cookies with
  every response: its row of the bot includes that work.
- actix-session has no memory store: here it has a concurrent map. Its cookie is encrypted, its
  default; those of tower-sessions, axum_session and cloakroom hold a random key, that of
  express-session a signed one.
- All layers on axum are around the whole router, which saves each of them a box.";

const CRATES: [&str; 9] = [
    "cloakroom",
    "axum",
    "tower-sessions",
    "axum_session",
    "actix-web",
    "actix-session",
    "hyper",
    "tokio",
    "dashmap",
];

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
    measured: Vec<(&'static Contender, Vec<Round>)>,
}

pub(crate) fn bench(options: Options) -> Result<bool, Failure> {
    cloakroom_bench::require_release_build()?;
    // Fails at once if wrk is missing.
    let wrk = wrk::version()?;
    let scratch = tempfile::tempdir()?;
    let express = express::install()?;
    let mut report = Report::new(NAME, ABOUT, NOTES);
    let mut groups = Vec::new();
    for (case, title) in CASES {
        say(title);
        let start = |contender| Running::start(contender, case, &express, scratch.path());
        let servers = contender::ALL.iter().map(start).collect::<Result<Vec<_>, _>>()?;
        let group = Group { case, measured: measure(&servers, options.quick)? };
        report.tables.push(group.table(title));
        groups.push(group);
    }
    report.versions_in(crate::LOCK, &CRATES);
    report.versions.extend(express::versions()?);
    report.versions.push(("wrk".into(), wrk));
    options.finish(&report, &check(&groups))
}

/// Is a server; called in a process of its own.
pub(crate) fn drive(words: &[&str]) -> Result<(), Failure> {
    let [name] = words else { return Err("expected a contender".into()) };
    contender::named(name)?.serve()
}

/// Rounds of all servers, in the other direction every second time.
fn measure(
    servers: &[Running],
    quick: bool,
) -> Result<Vec<(&'static Contender, Vec<Round>)>, Failure> {
    let (rounds, seconds) = if quick { (1, 1) } else { (5, 2) };
    if !quick {
        // node compiles what is called often.
        servers.iter().try_for_each(|server| server.round(1).map(drop))?;
    }
    let measured = servers.iter().map(|server| (server.contender, Vec::new()));
    let mut measured: Vec<_> = measured.collect();
    for round in 0..rounds {
        let mut order: Vec<_> = servers.iter().zip(&mut measured).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (server, (_, rounds)) in order {
            rounds.push(server.round(seconds)?);
        }
    }
    Ok(measured)
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

    fn table(&self, title: &str) -> Table {
        let columns = ["server", "requests/s", "CPU us/request", "over bare, us", "times bare"];
        let mut table = Table::new(title, &columns);
        for (contender, rounds) in &self.measured {
            let over = |compare: fn(f64, f64) -> f64, places| {
                if contender.keeps_sessions() {
                    Cell::spread(self.compared(contender.name, contender.bare, compare), places)
                } else {
                    Cell::None
                }
            };
            table.row([
                contender.name.into(),
                Cell::spread(rounds.iter().map(|round| round.rate).collect(), 0),
                Cell::spread(rounds.iter().map(|round| round.cpu).collect(), 2),
                over(|own, bare| own - bare, 2),
                over(|own, bare| own / bare, 3),
            ]);
        }
        table
    }
}

/// A session on axum costs next to nothing, and far less than one on express.
fn check(groups: &[Group]) -> Goals {
    let times = |case, one, other| {
        let group = groups.iter().find(|group| group.case == case)?;
        let times = group.compared(one, other, |one, other| one / other);
        median(times).filter(|times| times.is_finite())
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
    fn groups(cpu: [f64; 3]) -> Vec<Group> {
        let names = [contender::AXUM, contender::AXUM_CLOAKROOM, contender::EXPRESS_SESSION];
        let group = |case| {
            let rounds = names.into_iter().zip(cpu);
            let measured = rounds.map(|(name, cpu)| {
                (contender::named(name).unwrap(), vec![Round { rate: 5e5 / cpu, cpu }])
            });
            Group { case, measured: measured.collect() }
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

    #[test]
    fn a_row_shows_what_a_session_costs_over_the_bare_framework() {
        let table = groups([10.0, 10.5, 105.0])[0].table("read");
        let row: Vec<String> = table.rows[1].iter().map(ToString::to_string).collect();
        let medians: Vec<&str> = row.iter().filter_map(|cell| cell.split(" (").next()).collect();
        assert_eq!(medians, ["axum, cloakroom", "47619", "10.50", "0.50", "1.050"]);
        assert_eq!(table.rows[0][3], Cell::None);
    }
}
