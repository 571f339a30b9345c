//! Runs every order of a scenario's events, each from the start.

use std::time::{Duration, Instant};

use super::run::{Broken, Make, Run};
use super::scenarios::Scenario;

/// The result of a search.
pub(crate) struct Finding {
    pub(crate) scenario: &'static Scenario,
    pub(crate) orders: u64,
    pub(crate) time: Duration,
    pub(crate) failure: Option<Failure>,
}

/// A broken law, and how.
pub(crate) struct Failure {
    pub(crate) law: Broken,
    pub(crate) trace: Vec<String>,
}

/// The position of a search: at each step, which of how many events.
type Path = Vec<(usize, usize)>;

/// Runs all orders, or up to the first that breaks a law.
pub(super) fn search(scenario: &'static Scenario, make: Make<'_>) -> Finding {
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    let start = Instant::now();
    let (mut path, mut orders, mut failure) = (Path::new(), 0, None);
    loop {
        orders += 1;
        if let Err(law) = follow(&mut path, &mut Run::new(scenario, make)) {
            failure = Some(Failure { law, trace: describe(&path, scenario, make) });
            break;
        }
        // The next order differs in the last step that had an alternative.
        while path.last().is_some_and(|(event, of)| *event + 1 == *of) {
            path.pop();
        }
        match path.last_mut() {
            Some((event, _)) => *event += 1,
            None => break,
        }
    }
    Finding { scenario, orders, time: start.elapsed(), failure }
}

/// Follows the path, then takes the first event each time.
fn follow(path: &mut Path, run: &mut Run) -> Result<(), Broken> {
    for step in 0.. {
        let events = run.events();
        if events.is_empty() {
            break;
        }
        if step == path.len() {
            path.push((0, events.len()));
        }
        if let Err(law) = run.happens(events[path[step].0]) {
            path.truncate(step + 1);
            return Err(law);
        }
    }
    run.is_settled()
}

/// The path as text.
fn describe(path: &Path, scenario: &'static Scenario, make: Make<'_>) -> Vec<String> {
    let mut run = Run::new(scenario, make);
    let mut lines = Vec::new();
    for (event, _) in path {
        let event = run.events()[*event];
        lines.push(run.describe(event));
        let _ = run.happens(event);
    }
    lines
}
