//! Rounds in turn: what else the machine does hits all contenders alike.

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
pub(crate) fn ratios(ours: &[Outcome], theirs: &[Outcome]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| per_second(ours) / per_second(theirs)).collect()
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
        let texts: Vec<_> = ratios(&ours, &theirs).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["3", "6", "1"]);
    }

    #[test]
    fn what_was_done_is_counted_per_second() {
        assert!((per_second(&outcome(30)) - 15.0).abs() < f64::EPSILON);
    }
}
