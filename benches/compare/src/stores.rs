//! Sessions a second on SQLite, PostgreSQL and Redis, next to tower-sessions' stores.
//!
//! Every contender is a process of its own. An update is what a request does to a session that it
//! has read: a compare-and-swap of ours (`Store::replace`), an upsert or a plain SET of theirs
//! (`SessionStore::save`).

mod peer;
mod processes;

use std::path::{Path, PathBuf};
use std::process::Command;

use cloakroom_bench::Failure;
use cloakroom_bench::child::Child;
use cloakroom_bench::meter::median;
use cloakroom_bench::options::{Goals, Options, say};
use cloakroom_bench::report::{Cell, Report, Table};
use cloakroom_bench::store::{NAME, Operation, Outcome};
use cloakroom_bench::valgrind::DRIVE;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};

pub(crate) use self::peer::Peer;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    /// The only store to measure
    #[arg(long, value_parser = ["sqlite", "postgres", "redis", "valkey"])]
    only: Option<String>,
}

const ABOUT: &str = "\
Sessions on SQLite, PostgreSQL and Redis, with cloakroom's stores and with tower-sessions'. Each
contender is a process that keeps ten thousand sessions of about a hundred bytes. One update is
what a request does to a session it has read: a compare-and-swap of ours, an upsert or a plain SET
of theirs; one read includes decoding the value. PostgreSQL and Redis are private servers on the
same machine: PostgreSQL writes to its disk before it answers, Redis keeps no log. On SQLite,
cloakroom is durable; the peer is as durable with one connection and with ten, and runs with its
defaults as well.";

const NOTES: &str = "\
- Medians of interleaved rounds; brackets hold the least and the most. The last column is
  cloakroom's rate as a multiple of the row's in the same rounds: only it is comparable between
  machines.
- CPU is that of the client's process for one operation, not the server's.";

const COLUMNS: [&str; 10] = [
    "store",
    "operation",
    "at once",
    "contender, setup",
    "per second",
    "p50 us",
    "p99 us",
    "refused",
    "CPU us",
    "cloakroom does, times",
];

pub(crate) fn bench(args: &Args) -> Result<bool, Failure> {
    cloakroom_bench::require_release_build()?;
    let mut bench = Bench {
        ours: build_ours()?,
        theirs: std::env::current_exe()?,
        rounds: if args.options.quick { 3 } else { 9 },
        millis: if args.options.quick { 400 } else { 1_500 },
        table: Table::new("operations a second", &COLUMNS),
        processes: None,
    };
    let wants = |store| args.only.as_ref().is_none_or(|only| only == store);
    if wants("sqlite") {
        bench.sqlite()?;
    }
    for store in ["redis", "valkey"].into_iter().filter(|store| wants(store)) {
        let server = match store {
            "redis" => Redis::start(Durability::None),
            _ => Redis::start_valkey(Durability::None),
        };
        let both = bench.on_server(&server.url())?;
        bench.compare(store, &[Operation::Read, Operation::ReadAndUpdate], &both)?;
        let cached = Contender { setup: "near cache".into(), ..both[0].clone() };
        bench.compare(store, &[Operation::Read], &[cached, both[1].clone()])?;
    }
    if wants("postgres") {
        let server = Postgres::start(Durability::Always);
        let both = bench.on_server(&server.url())?;
        let operations = [Operation::Read, Operation::Update, Operation::ReadAndUpdate];
        bench.compare("postgres", &operations, &both)?;
        bench.compare_processes(&server.url())?;
    }
    let mut report = Report::new(NAME, ABOUT, NOTES);
    let peers = [
        "cloakroom",
        "tower-sessions-core",
        "tower-sessions-redis-store",
        "tower-sessions-sqlx-store",
        "sqlx",
    ];
    report.versions_in(crate::LOCK, &peers);
    report.tables.push(bench.table);
    report.tables.extend(bench.processes);
    args.options.finish(&report, &Goals::default())
}

/// Builds the program of `cloakroom-bench`, with all stores; its path.
fn build_ours() -> Result<PathBuf, Failure> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = workspace.join("target");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(workspace)
        .args(["build", "--profile", "bench", "--locked", "-p", "cloakroom-bench", "--target-dir"])
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err(format!("`cloakroom-bench` cannot be built: {status}").into());
    }
    Ok(target.join("release/cloakroom-bench"))
}

/// A store, its place, and how it is opened.
#[derive(Clone, Debug)]
struct Contender {
    name: &'static str,
    program: PathBuf,
    place: String,
    setup: String,
}

impl Contender {
    fn title(&self) -> String {
        format!("{}, {}", self.name, self.setup)
    }

    fn command(&self, part: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([DRIVE, NAME, part, &self.place, &self.setup]);
        command
    }

    /// Begins all sessions.
    fn fill(&self) -> Result<(), Failure> {
        let status = self.command("fill").status()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("{} cannot be filled: {status}", self.title()).into())
    }

    fn run(&self, operation: Operation, at_once: usize, millis: u32) -> Result<Outcome, Failure> {
        let outcome = self.start(operation, at_once, millis)?.json();
        outcome.map_err(|wrong| format!("{}: {wrong}", self.title()).into())
    }

    fn start(&self, operation: Operation, at_once: usize, millis: u32) -> Result<Child, Failure> {
        let mut command = self.command("run");
        command.args([operation.name(), &at_once.to_string(), &millis.to_string()]);
        Child::start(&mut command)
    }
}

struct Bench {
    /// The program of `cloakroom-bench`, and this one.
    ours: PathBuf,
    theirs: PathBuf,
    rounds: usize,
    millis: u32,
    table: Table,
    processes: Option<Table>,
}

impl Bench {
    fn ours(&self, place: String) -> Contender {
        Contender { name: "cloakroom", program: self.ours.clone(), place, setup: "default".into() }
    }

    fn theirs(&self, place: String, setup: &str) -> Contender {
        let (program, setup) = (self.theirs.clone(), setup.to_owned());
        Contender { name: "tower-sessions", program, place, setup }
    }

    fn sqlite(&mut self) -> Result<(), Failure> {
        // The files need a disk; a temporary directory is often in memory.
        let target = self.theirs.parent().ok_or("this program is in no directory")?;
        let directory = tempfile::tempdir_in(target)?;
        let place = |file: &str| directory.path().join(file).display().to_string();
        let contenders = [
            self.ours(place("ours.db")),
            self.theirs(place("one.db"), "1"),
            self.theirs(place("ten.db"), "10"),
            self.theirs(place("defaults.db"), "default"),
        ];
        contenders.iter().try_for_each(Contender::fill)?;
        self.compare("sqlite", &[Operation::Read, Operation::Update], &contenders)
    }

    /// Ours and theirs on one server, filled.
    fn on_server(&self, url: &str) -> Result<[Contender; 2], Failure> {
        let contenders = [self.ours(url.into()), self.theirs(url.into(), "default")];
        contenders.iter().try_for_each(Contender::fill)?;
        Ok(contenders)
    }

    /// Adds a row for each operation and contender; the first contender is ours.
    fn compare(
        &mut self,
        store: &str,
        operations: &[Operation],
        contenders: &[Contender],
    ) -> Result<(), Failure> {
        let at_once = if store == "sqlite" { &[1, 64][..] } else { &[1, 16, 128] };
        let cases =
            operations.iter().flat_map(|operation| at_once.iter().map(|it| (*operation, *it)));
        for (operation, at_once) in cases {
            say(&format!("{store}, {}, {at_once} at once", operation.name()));
            let mut outcomes = vec![Vec::new(); contenders.len()];
            for round in 0..self.rounds {
                // Each goes first as often as any other.
                for turn in 0..contenders.len() {
                    let which = (round + turn) % contenders.len();
                    outcomes[which].push(contenders[which].run(operation, at_once, self.millis)?);
                }
            }
            for (contender, theirs) in contenders.iter().zip(&outcomes) {
                let head = [store.into(), operation.name().into(), at_once.into()];
                let figures = figures(theirs, &outcomes[0]);
                let title = [Cell::Text(contender.title())];
                self.table.row(head.into_iter().chain(title).chain(figures));
            }
        }
        Ok(())
    }
}

/// What a contender did, and in the same rounds ours.
fn figures(theirs: &[Outcome], ours: &[Outcome]) -> [Cell; 6] {
    let middle = |value: fn(&Outcome) -> f64, places| {
        let middle = median(theirs.iter().map(value).collect());
        middle.map_or(Cell::None, |middle| Cell::number(middle, places))
    };
    let times = ours.iter().zip(theirs);
    let times = times.map(|(ours, theirs)| ours.per_second() / theirs.per_second()).collect();
    [
        Cell::spread(theirs.iter().map(Outcome::per_second).collect(), 0),
        middle(|outcome| outcome.p50_us, 0),
        middle(|outcome| outcome.p99_us, 0),
        theirs.iter().map(|outcome| outcome.refused).sum::<usize>().into(),
        middle(Outcome::cpu_us, 1),
        Cell::spread(times, 2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_shown_as_a_multiple_of_the_contender() {
        let outcome =
            |done| Outcome { done, seconds: 1.0, p50_us: 7.4, p99_us: 9.6, cpu: 0.001, refused: 0 };
        let cells = figures(&[outcome(40)], &[outcome(100)]).map(|cell| cell.to_string());
        assert_eq!(cells, ["40 (40..40)", "7", "10", "0", "25.0", "2.50 (2.50..2.50)"]);
    }
}
