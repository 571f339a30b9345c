//! In which order everything is measured.

use crate::case::Case;
use crate::contender::Contender;
use crate::measured::Group;
use crate::running::{Places, Running};
use crate::wrk::Load;
use crate::{Failure, say};

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) load: Load,
    /// A round before those that count: node compiles what is asked for often.
    warm: bool,
}

impl Plan {
    pub(crate) const WHOLE: Self = Self { rounds: 5, load: Load { connections: 32, seconds: 2 }, warm: true };
    pub(crate) const QUICK: Self =
        Self { rounds: 1, load: Load { connections: 32, seconds: 1 }, warm: false };

    /// For each point of the curve: many points of less weight.
    fn of_point(self, connections: u32) -> Self {
        Self { rounds: self.rounds.min(3), load: Load { connections, seconds: 1 }, warm: false }
    }
}

/// The connections of the curve's points.
const CONNECTIONS: [u32; 4] = [1, 8, 32, 128];

/// Every contender in every case, with one thread and with two.
pub(crate) fn groups(plan: Plan, places: Places<'_>) -> Result<Vec<Group>, Failure> {
    let mut groups = Vec::new();
    for threads in [1, 2] {
        for case in Case::ALL {
            say(&format!("{}, {threads} of the server's threads", case.name()));
            let servers = start(&Contender::ALL, case, threads, places)?;
            groups.push(group(&servers, case, threads, plan)?);
        }
    }
    Ok(groups)
}

/// The contenders on axum reading, over several numbers of connections.
pub(crate) fn curve(plan: Plan, places: Places<'_>) -> Result<Vec<(u32, Group)>, Failure> {
    let servers = start(&Contender::ON_AXUM, Case::Read, 1, places)?;
    let point = |connections| {
        say(&format!("read, {connections} connections"));
        Ok((connections, group(&servers, Case::Read, 1, plan.of_point(connections))?))
    };
    CONNECTIONS.into_iter().map(point).collect()
}

fn start(
    contenders: &[Contender],
    case: Case,
    threads: u32,
    places: Places<'_>,
) -> Result<Vec<Running>, Failure> {
    contenders.iter().map(|contender| Running::start(*contender, case, threads, places)).collect()
}

/// One contender after the other in each round, in the other direction every second time.
fn group(servers: &[Running], case: Case, threads: u32, plan: Plan) -> Result<Group, Failure> {
    if plan.warm {
        for server in servers {
            server.round(Load { seconds: 1, ..plan.load })?;
        }
    }
    let mut measured: Vec<_> = servers.iter().map(|server| (server.contender, Vec::new())).collect();
    for round in 0..plan.rounds {
        let mut order: Vec<_> = servers.iter().zip(&mut measured).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (server, (_, rounds)) in order {
            rounds.push(server.round(plan.load)?);
        }
    }
    Ok(Group { case, threads, measured })
}
