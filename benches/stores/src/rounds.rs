//! Rounds in turn: what else the machine does hits all contenders alike.

use serde::Serialize;

use crate::contender::{Case, Contender};
use crate::drive::{Failure, Outcome};

/// Connections that the peer may choose among.
const CONNECTIONS: [u32; 5] = [1, 2, 4, 10, 64];
/// How often each number of connections is tried.
const TRIES: usize = 2;

/// How many rounds, and of how many milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) millis: u32,
}

/// The middle of several values, and how far they go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { least: at(0), median: at(values.len() / 2), most: at(values.len().saturating_sub(1)) }
    }
}

/// The number of connections with which the peer does most.
pub(crate) fn best_connections(peer: &Contender, case: Case, millis: u32) -> Result<u32, Failure> {
    let mut best = [0; CONNECTIONS.len()];
    for _ in 0..TRIES {
        for (done, connections) in best.iter_mut().zip(CONNECTIONS) {
            let outcome = peer.with_connections(connections).drive(case, millis)?;
            *done = outcome.done.max(*done);
        }
    }
    let winner = best.into_iter().zip(CONNECTIONS).max_by_key(|(done, _)| *done);
    Ok(winner.map_or(1, |(_, connections)| connections))
}

/// The outcomes of each contender, round by round.
pub(crate) fn run<const N: usize>(
    contenders: &[Contender; N],
    case: Case,
    effort: Effort,
) -> Result<[Vec<Outcome>; N], Failure> {
    let mut outcomes = [const { Vec::new() }; N];
    for round in 0..effort.rounds {
        // Each goes first as often as any other.
        for turn in 0..N {
            let which = (round + turn) % N;
            outcomes[which].push(contenders[which].drive(case, effort.millis)?);
        }
    }
    Ok(outcomes)
}

#[expect(clippy::cast_precision_loss, reason = "counts come nowhere near 2^52")]
pub(crate) fn per_second(outcome: &Outcome) -> f64 {
    outcome.done as f64 / outcome.seconds
}

/// How many times as much `ours` did as `theirs`, round by round.
pub(crate) fn ratio(ours: &[Outcome], theirs: &[Outcome]) -> Spread {
    Spread::of(ours.iter().zip(theirs).map(|(ours, theirs)| per_second(ours) / per_second(theirs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(done: u64) -> Outcome {
        Outcome { done, seconds: 2.0, ..Outcome::default() }
    }

    #[test]
    fn rounds_are_compared_with_their_neighbours() {
        let ours = [outcome(30), outcome(60), outcome(90)];
        let theirs = [outcome(10), outcome(10), outcome(90)];
        assert_eq!(ratio(&ours, &theirs), Spread { least: 1.0, median: 3.0, most: 6.0 });
    }

    #[test]
    fn what_was_done_is_counted_per_second() {
        assert!((per_second(&outcome(30)) - 15.0).abs() < f64::EPSILON);
    }
}
