//! Several processes on one PostgreSQL, each with sessions of its own.

use cloakroom_bench::Failure;
use cloakroom_bench::child::Child;
use cloakroom_bench::meter::fsync_us;
use cloakroom_bench::options::say;
use cloakroom_bench::report::{Cell, Table};
use cloakroom_bench::store::{Operation, Outcome};

use super::{Bench, Contender};

/// Requests that each process serves at once.
const AT_ONCE: usize = 4;

impl Bench {
    /// Measures both contenders with one and with six processes that read and update.
    pub(super) fn compare_processes(&mut self, url: &str) -> Result<(), Failure> {
        let columns =
            ["processes", "contender", "updates a second", "cloakroom does, times", "fsync us"];
        let mut table = Table::new("several processes on one PostgreSQL", &columns);
        let nodes = |contender: &Contender, name: &str| -> Result<Vec<Contender>, Failure> {
            let nodes: Vec<Contender> = (0..6)
                .map(|n| Contender { setup: format!("table {name}{n}"), ..contender.clone() })
                .collect();
            nodes.iter().try_for_each(Contender::fill)?;
            Ok(nodes)
        };
        let ours = nodes(&self.ours(url.into()), "ours")?;
        let theirs = nodes(&self.theirs(url.into(), "default"), "theirs")?;
        for count in [1, 2, 6] {
            say(&format!("postgres, {count} processes, {AT_ONCE} at once each"));
            let fsync = fsync_us()?;
            let (mut our_sums, mut their_sums) = (Vec::new(), Vec::new());
            for round in 0..self.rounds {
                let mut both = [(&ours, &mut our_sums), (&theirs, &mut their_sums)];
                // Each goes first as often as the other.
                both.rotate_left(round % 2);
                for (nodes, sums) in both {
                    sums.push(run_together(&nodes[..count], self.millis)?);
                }
            }
            let times = our_sums.iter().zip(&their_sums).map(|(ours, theirs)| ours / theirs);
            let rows = [
                ("cloakroom", our_sums.clone(), None),
                ("tower-sessions", their_sums.clone(), Some(times.collect())),
            ];
            for (name, sums, times) in rows {
                table.row([
                    count.into(),
                    Cell::Text(name.into()),
                    Cell::spread(sums, 0),
                    times.map_or(Cell::None, |times| Cell::spread(times, 2)),
                    Cell::number(fsync, 0),
                ]);
            }
        }
        self.processes = Some(table);
        Ok(())
    }
}

/// What all of them do in a second.
fn run_together(nodes: &[Contender], millis: u32) -> Result<f64, Failure> {
    let started: Result<Vec<Child>, Failure> =
        nodes.iter().map(|node| node.start(Operation::ReadAndUpdate, AT_ONCE, millis)).collect();
    let outcomes: Result<Vec<Outcome>, Failure> = started?.iter_mut().map(Child::json).collect();
    Ok(outcomes?.iter().map(Outcome::per_second).sum())
}
