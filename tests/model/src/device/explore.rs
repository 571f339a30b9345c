//! Searches every state of a scenario, breadth first.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::run::{Action, Run, State};
use super::scenarios::Scenario;
use crate::context::Decisions;
use crate::shared::Shared;

/// The result of a search.
pub(crate) struct Finding {
    pub(crate) scenario: &'static Scenario,
    pub(crate) states: usize,
    pub(crate) time: Duration,
    pub(crate) failure: Option<Failure>,
}

/// A broken law, and how.
pub(crate) struct Failure {
    pub(crate) law: &'static str,
    pub(crate) trace: Vec<String>,
}

/// A state, and how it was reached: from which one, and by what.
struct Reached {
    state: Shared<State>,
    from: Option<(usize, Action)>,
}

/// Searches all states, or up to the first that breaks a law.
pub(super) fn search(scenario: &'static Scenario, rules: &'static Decisions) -> Finding {
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    let start = Instant::now();
    let run = Run::new(scenario, rules);
    let first = Shared::new(run.initial());
    let mut seen = HashSet::from([first.clone()]);
    let mut reached = vec![Reached { state: first, from: None }];
    let mut queue = VecDeque::from([0]);
    let mut failure = None;
    'search: while let Some(index) = queue.pop_front() {
        let state = reached[index].state.clone();
        for action in run.actions(&state) {
            let next = run.apply(&state, &action);
            let law = next.broken.or_else(|| run.broken_law(&next));
            let next = Shared::new(next);
            if law.is_none() && !seen.insert(next.clone()) {
                continue;
            }
            reached.push(Reached { state: next, from: Some((index, action)) });
            if let Some(law) = law {
                failure = Some(Failure { law, trace: trace(&reached) });
                break 'search;
            }
            queue.push_back(reached.len() - 1);
        }
    }
    Finding { scenario, states: seen.len(), time: start.elapsed(), failure }
}

/// How the last state was reached.
fn trace(reached: &[Reached]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut at = reached.last();
    while let Some(Reached { state, from: Some((before, action)) }) = at {
        lines.push(format!("at {}: {action:?}", state.at));
        at = reached.get(*before);
    }
    lines.reverse();
    lines
}
