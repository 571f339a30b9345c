//! What must hold: a session costs a server on axum next to nothing, and less than node's server costs by far.

use crate::case::Case;
use crate::contender::Contender;
use crate::measured::Group;
use crate::say;

/// How many times bare axum's CPU a request that reads its session may cost.
const MOST_OVER_BARE: f64 = 1.05;

/// How many times ours express-session's CPU must be.
const LEAST_OF_EXPRESS: f64 = 3.0;

/// Whether it does, with one thread; what was not measured does not pass.
pub(crate) fn passes(groups: &[Group]) -> bool {
    let group = |case: Case| groups.iter().find(|group| group.case == case && group.threads == 1);
    let times = |case, one, other| group(case).and_then(|group| group.times(one, other));
    let mut passed = true;

    let over = times(Case::Read, Contender::AxumCloakroom, Contender::Axum);
    if over.is_none_or(|over| !over.is_finite() || over > MOST_OVER_BARE) {
        say(&format!(
            "check failed: a read costs {} times bare axum's CPU, more than {MOST_OVER_BARE}",
            shown(over)
        ));
        passed = false;
    }
    for case in [Case::Read, Case::Write] {
        let express = times(case, Contender::ExpressSession, Contender::AxumCloakroom);
        if express.is_none_or(|express| !express.is_finite() || express < LEAST_OF_EXPRESS) {
            say(&format!(
                "check failed: express-session's {} costs {} times ours, less than {LEAST_OF_EXPRESS}",
                case.name(),
                shown(express)
            ));
            passed = false;
        }
    }
    passed
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "an unknown number of".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::Round;

    /// Reads and writes with one thread: what bare axum, ours and express-session cost.
    fn groups(cpu: [f64; 3]) -> Vec<Group> {
        let contenders = [Contender::Axum, Contender::AxumCloakroom, Contender::ExpressSession];
        let measured = |case| {
            let rounds = contenders.into_iter().zip(cpu);
            let measured = rounds.map(|(contender, cpu)| (contender, vec![Round { rate: 1.0, cpu }]));
            Group { case, threads: 1, measured: measured.collect() }
        };
        vec![measured(Case::Read), measured(Case::Write)]
    }

    #[test]
    fn a_cheap_session_passes_and_a_dear_one_does_not() {
        assert!(passes(&groups([10.0, 10.4, 40.0])));
        assert!(!passes(&groups([10.0, 10.6, 40.0])));
        assert!(!passes(&groups([10.0, 10.4, 30.0])));
        assert!(!passes(&groups([0.0, 10.4, 40.0])));
    }

    #[test]
    fn what_was_not_measured_does_not_pass() {
        assert!(!passes(&[]));
        assert!(!passes(&groups([10.0, 10.4, 40.0])[..1]));
    }
}
