//! Sessions a second on SQLite, PostgreSQL and Redis, next to tower-sessions' stores.
//!
//! Every contender is a process of its own, or several, that keeps ten thousand sessions of about a
//! hundred bytes. An update is what a request does to a session that it has read: a
//! compare-and-swap of ours (`Store::replace`), an upsert or a plain SET of theirs
//! (`SessionStore::save`). A read includes decoding the value. Servers are private ones.

mod contender;
mod fsyncs;
mod peer;

use std::path::{Path, PathBuf};

use cloakroom_bench::Failure;
use cloakroom_bench::meter::median;
use cloakroom_bench::options::{Goals, Options, say};
use cloakroom_bench::report::{Cell, Report, Table};
use cloakroom_bench::store::{self, Operation, Outcome};
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};

use self::contender::{CLOAKROOM, Case, Contender, build_ours};
use self::fsyncs::Strace;

pub(crate) use cloakroom_bench::store::NAME;

pub(crate) const FLAGS: &str = "--only --processes --quick --json --save";

const ABOUT: &str = "\
Sessions on SQLite, PostgreSQL and Redis, with cloakroom's stores and with tower-sessions'. Each \
contender is a process that keeps ten thousand sessions of about a hundred bytes. One update is \
what a request does to a session it has read: a compare-and-swap of ours, an upsert or a plain SET \
of theirs; one read includes decoding the value. PostgreSQL and Redis are private servers on the \
same machine: PostgreSQL writes to its disk before it answers, Redis keeps no log. On SQLite, \
cloakroom is durable, and the peer runs twice: as durable, with the number of connections that \
suits it best, and with its defaults.";

const NOTES: [&str; 2] = [
    "Medians of interleaved rounds; brackets hold the least and the most. The last column is \
     cloakroom's rate as a multiple of the row's in the same rounds: only it is comparable between \
     machines.",
    "CPU is that of the clients' processes for one operation, not the server's. With several \
     processes, latencies are those of the slowest.",
];

const COLUMNS: [&str; 12] = [
    "store",
    "operation",
    "processes",
    "at once in each",
    "contender, setup",
    "per second",
    "p50 us",
    "p99 us",
    "refused",
    "CPU us",
    "fsyncs/update",
    "cloakroom does, times",
];

pub(crate) fn drive(words: &[&str]) -> Result<(), Failure> {
    store::drive(&[peer::KIND], words)
}

pub(crate) fn bench(options: &Options) -> Result<bool, Failure> {
    cloakroom_bench::require_release_build()?;
    let mut bench = Bench {
        ours: build_ours()?,
        processes: options.processes.unwrap_or(1),
        rounds: if options.quick { 3 } else { 9 },
        millis: if options.quick { 400 } else { 1_500 },
        table: Table::new("operations a second", &COLUMNS),
    };
    if options.wants("sqlite") {
        bench.sqlite()?;
    }
    if options.wants("redis") {
        bench.redis()?;
    }
    if options.wants("postgres") {
        bench.postgres()?;
    }
    let mut report = Report::new(NAME, ABOUT, &NOTES);
    let peers = [
        "cloakroom",
        "tower-sessions-core",
        "tower-sessions-redis-store",
        "tower-sessions-sqlx-store",
        "sqlx",
    ];
    report.versions_in(crate::LOCK, &peers);
    report.tables.push(bench.table);
    options.finish(&report, &Goals::default())
}

struct Bench {
    /// The program of `cloakroom-bench`.
    ours: PathBuf,
    processes: usize,
    rounds: usize,
    millis: usize,
    table: Table,
}

impl Bench {
    fn ours(&self, place: &str, setup: &str) -> Contender {
        Contender::new(CLOAKROOM, &self.ours, place, setup)
    }

    fn sqlite(&mut self) -> Result<(), Failure> {
        let own = std::env::current_exe()?;
        // The files need a disk; a temporary directory is often in memory.
        let target = own.parent().ok_or("this program is in no directory")?;
        let directory = tempfile::tempdir_in(target)?;
        let place = |file: &str| directory.path().join(file).display().to_string();
        let ours = self.ours(&place("ours.db"), "default");
        let durable = Contender::new(peer::NAME, &own, &place("durable.db"), "1");
        let defaults = Contender::new(peer::NAME, &own, &place("defaults.db"), "default");
        for contender in [&ours, &durable, &defaults] {
            contender.fill()?;
        }
        let strace = Strace::find(directory.path());
        for operation in [Operation::Update, Operation::Read] {
            for at_once in [1, 64] {
                let case = self.case(operation, at_once);
                let durable = self.with_best_connections(&durable, case)?;
                let contenders = [ours.clone(), durable, defaults.clone()];
                let counts = operation == Operation::Update && self.processes == 1;
                self.compare("sqlite", case, &contenders, strace.as_ref().filter(|_| counts))?;
            }
        }
        Ok(())
    }

    fn redis(&mut self) -> Result<(), Failure> {
        let server = Redis::start(Durability::None);
        let [ours, theirs] = self.on_server(&server.url())?;
        for operation in [Operation::Read, Operation::ReadAndUpdate] {
            self.compare_on_server("redis", operation, &[ours.clone(), theirs.clone()])?;
        }
        let cached = self.ours(&server.url(), "near cache");
        self.compare_on_server("redis", Operation::Read, &[cached, theirs])
    }

    fn postgres(&mut self) -> Result<(), Failure> {
        let server = Postgres::start(Durability::Always);
        let contenders = self.on_server(&server.url())?;
        let operations = [Operation::Read, Operation::Update, Operation::ReadAndUpdate];
        for operation in operations {
            self.compare_on_server("postgres", operation, &contenders)?;
        }
        Ok(())
    }

    /// Ours and theirs on one server, filled.
    fn on_server(&self, url: &str) -> Result<[Contender; 2], Failure> {
        let own = std::env::current_exe()?;
        let contenders =
            [self.ours(url, "default"), Contender::new(peer::NAME, &own, url, "default")];
        contenders.iter().try_for_each(Contender::fill)?;
        Ok(contenders)
    }

    fn compare_on_server(
        &mut self,
        store: &str,
        operation: Operation,
        contenders: &[Contender; 2],
    ) -> Result<(), Failure> {
        [1, 16, 128].into_iter().try_for_each(|at_once| {
            self.compare(store, self.case(operation, at_once), contenders, None)
        })
    }

    const fn case(&self, operation: Operation, at_once: usize) -> Case {
        Case { operation, at_once, processes: self.processes }
    }

    /// Adds a row for each contender; the first is ours.
    fn compare(
        &mut self,
        store: &str,
        case: Case,
        contenders: &[Contender],
        strace: Option<&Strace>,
    ) -> Result<(), Failure> {
        say(&format!("{store}, {}, {} at once", case.operation.name(), case.at_once));
        let mut outcomes = vec![Vec::new(); contenders.len()];
        for round in 0..self.rounds {
            // Each goes first as often as any other.
            for turn in 0..contenders.len() {
                let which = (round + turn) % contenders.len();
                outcomes[which].push(contenders[which].run(case, self.millis)?);
            }
        }
        for (contender, theirs) in contenders.iter().zip(&outcomes) {
            let fsyncs = strace.map(|strace| strace.per_update(contender, case, self.millis));
            let fsyncs = fsyncs.transpose()?.map_or(Cell::None, Cell::ratio);
            self.table.row(row(store, case, contender, theirs, &outcomes[0], fsyncs));
        }
        Ok(())
    }

    /// The peer with the number of connections with which it does most.
    fn with_best_connections(&self, peer: &Contender, case: Case) -> Result<Contender, Failure> {
        say(&format!("connections for {}, {} at once", case.operation.name(), case.at_once));
        let mut best = (0, peer.clone());
        for _ in 0..2 {
            for connections in [1, 2, 4, 10, 64] {
                let peer = peer.with_setup(&connections.to_string());
                let done = peer.run(case, self.millis / 2)?.done;
                if done > best.0 {
                    best = (done, peer);
                }
            }
        }
        Ok(best.1)
    }
}

/// What a contender did, and in the same rounds ours.
fn row(
    store: &str,
    case: Case,
    contender: &Contender,
    theirs: &[Outcome],
    ours: &[Outcome],
    fsyncs: Cell,
) -> [Cell; 12] {
    let middle = |value: fn(&Outcome) -> f64, places| {
        let middle = median(theirs.iter().map(value).collect());
        middle.map_or(Cell::None, |middle| Cell::number(middle, places))
    };
    let times = ours.iter().zip(theirs);
    let times = times.map(|(ours, theirs)| ours.per_second() / theirs.per_second()).collect();
    [
        store.into(),
        case.operation.name().into(),
        case.processes.into(),
        case.at_once.into(),
        Cell::Text(contender.title()),
        Cell::spread(theirs.iter().map(Outcome::per_second).collect(), 0),
        middle(|outcome| outcome.p50_us, 0),
        middle(|outcome| outcome.p99_us, 0),
        theirs.iter().map(|outcome| outcome.refused).sum::<usize>().into(),
        middle(Outcome::cpu_us, 1),
        fsyncs,
        Cell::spread(times, 2),
    ]
}

/// The directory of the main workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_ours_as_a_multiple_of_the_contender() {
        let outcome = |done| Outcome {
            done,
            in_all: done,
            seconds: 1.0,
            p50_us: 7.4,
            p99_us: 9.6,
            cpu: 0.001,
            refused: 0,
        };
        let case = Case { operation: Operation::Update, at_once: 1, processes: 1 };
        let them = Contender::new("them", Path::new("them"), "file", "4");
        let cells = row("sqlite", case, &them, &[outcome(40)], &[outcome(100)], Cell::None);
        let texts: Vec<String> = cells.iter().map(ToString::to_string).collect();
        assert_eq!(texts[4..8], ["them, 4", "40 (40..40)", "7", "10"]);
        assert_eq!(texts[8..], ["0", "25.0", "-", "2.50 (2.50..2.50)"]);
    }
}
