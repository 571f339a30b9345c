//! Several servers of an application on one PostgreSQL: whether they commit together.

use std::process::Stdio;

use cloakroom_testkit::servers::{Durability, Postgres, Server as _};

use crate::Failure;
use crate::child::{Child, this_program};
use crate::meter::{fsync_us, median};
use crate::options::{Options, say};
use crate::report::{Cell, Report, Table};
use crate::store::{NAME as STORE, Operation, Outcome};

/// The bench's name on the command line.
pub const NAME: &str = "servers";

/// Requests that each process serves at once.
const AT_ONCE: usize = 4;

const ABOUT: &str = "\
Processes that share a private PostgreSQL, which writes to its disk before it answers. Each has
sessions of its own, and reads and updates four of them at once. With a near cache, every process
learns of every change.";

const NOTE: &str = "\
Updates a second of all processes together; brackets hold the least and the most. `fsync` is how
long the disk took to store 8 KiB, measured before each row.";

/// Measures, and makes a report.
pub fn bench(options: Options) -> Result<Report, Failure> {
    crate::require_release_build()?;
    let rounds = if options.quick { 1 } else { 5 };
    let millis = if options.quick { "400" } else { "3000" };
    let server = Postgres::start(Durability::Always);
    let columns = ["processes", "setup", "updates a second", "p50 us", "p99 us", "fsync us"];
    let mut table = Table::new("reads and updates", &columns);
    for setup in ["table", "near cache"] {
        for processes in [1, 2, 6] {
            say(&format!("{processes} processes, {setup}"));
            let nodes: Vec<Node> =
                (0..processes).map(|number| Node::new(&server, setup, number)).collect();
            nodes.iter().try_for_each(Node::fill)?;
            let fsync = fsync_us()?;
            let mut sums = Vec::new();
            let mut outcomes: Vec<Outcome> = Vec::new();
            for _ in 0..rounds {
                let running: Result<Vec<Child>, Failure> =
                    nodes.iter().map(|node| node.run(millis)).collect();
                let found: Result<Vec<Outcome>, Failure> =
                    running?.iter_mut().map(Child::json).collect();
                let found = found?;
                sums.push(found.iter().map(Outcome::per_second).sum());
                outcomes.extend(found);
            }
            let middle = |value: fn(&Outcome) -> f64| {
                let middle = median(outcomes.iter().map(value).collect());
                middle.map_or(Cell::None, |middle| Cell::number(middle, 0))
            };
            table.row([
                processes.into(),
                setup.into(),
                Cell::spread(sums, 0),
                middle(|outcome| outcome.p50_us),
                middle(|outcome| outcome.p99_us),
                Cell::number(fsync, 0),
            ]);
        }
    }
    let mut report = Report::new(NAME, ABOUT, NOTE);
    report.tables.push(table);
    Ok(report)
}

/// A process, and the table of its sessions.
struct Node {
    url: String,
    setup: String,
}

impl Node {
    fn new(server: &Postgres, setup: &str, number: usize) -> Self {
        Self { url: server.url(), setup: format!("{setup} {}{number}", &setup[..1]) }
    }

    /// Begins all sessions, unless an earlier row did.
    fn fill(&self) -> Result<(), Failure> {
        let mut filling = this_program(&[STORE, "fill", &self.url, &self.setup])?;
        filling.stderr(Stdio::null()).status()?;
        Ok(())
    }

    fn run(&self, millis: &str) -> Result<Child, Failure> {
        let operation = Operation::ReadAndUpdate.name();
        let at_once = AT_ONCE.to_string();
        let words = [STORE, "run", &self.url, &self.setup, operation, &at_once, millis];
        Child::start(&mut this_program(&words)?)
    }
}
