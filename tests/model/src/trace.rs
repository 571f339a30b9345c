//! How a law is broken, step by step.

use stateright::Model as _;

use crate::model::{Action, Cloakroom};
use crate::state::{Phase, State};

/// A path from the initial state to one that breaks a law.
pub(crate) struct Trace(Vec<(State, Option<Action>)>);

impl Trace {
    /// The path up to its first state that breaks `law`.
    pub(crate) fn new(
        model: &Cloakroom,
        law: &'static str,
        mut steps: Vec<(State, Option<Action>)>,
    ) -> Self {
        let holds = model.property(law).condition;
        let end = steps.iter().position(|(state, _)| !holds(model, state));
        steps.truncate(end.map_or(steps.len(), |index| index + 1));
        Self(steps)
    }

    pub(crate) fn steps(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Each step and what it changed.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, pair) in self.0.windows(2).enumerate() {
            let [(before, Some(action)), (after, _)] = pair else {
                continue;
            };
            lines.push(format!("{:>2}. {}", number + 1, title(before, *action)));
            lines
                .extend(changes(before, after).into_iter().map(|change| format!("      {change}")));
        }
        lines
    }
}

fn title(before: &State, action: Action) -> String {
    let task = |number: u8| {
        let request = before.requests.iter().find(|request| request.number == number);
        request.map_or_else(String::new, |request| format!(" ({:?})", request.task))
    };
    match action {
        Action::Tick(at) => format!("it is {at} s after the start"),
        Action::Send(browser, task) => {
            let number = before.spent.requests + 1;
            format!("{browser:?} sends request {number} ({task:?}) with {:?}", before.jar(browser))
        }
        Action::Step(number) => format!("request {number}{} goes on", task(number)),
        Action::Unheard { number, reached } => {
            let what = if reached { "its answer is" } else { "it is itself" };
            format!("request {number}{} writes; {what} lost", task(number))
        }
        Action::Cancel(number) => format!("request {number}{} is dropped", task(number)),
        Action::Deliver(number) => format!("response {number}{} arrives", task(number)),
        Action::Lose(number) => format!("response {number}{} is lost", task(number)),
        Action::Revoke => "an operator revokes session 0".to_owned(),
        Action::Copy => "the other client copies the owner's cookie".to_owned(),
        Action::Crash => "the owner's browser crashes".to_owned(),
        Action::Sweep => "the store is swept".to_owned(),
    }
}

fn changes(before: &State, after: &State) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, entry) in &after.store {
        if before.store.get(id) != Some(entry) {
            lines.push(format!("session {id}: {entry:?}"));
        }
    }
    if before.jars != after.jars {
        lines.push(format!("jars: {:?}", after.jars));
    }
    for (model_key, fate) in &after.shadow.secrets {
        if before.shadow.secrets.get(model_key) != Some(fate) {
            lines.push(format!("{model_key:?} of session {}: {fate:?}", model_key.session()));
        }
    }
    for request in &after.requests {
        if before.requests.iter().any(|other| other.number == request.number && other != request) {
            lines.push(format!("request {}: {}", request.number, phase(&request.phase)));
        }
    }
    lines.extend(
        after
            .shadow
            .broken
            .difference(&before.shadow.broken)
            .map(|law| format!("broken: {}", law.name())),
    );
    lines
}

fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Sent { presented, .. } => format!("sent with {presented:?}"),
        Phase::Bookkeeping(_, chore) => format!("opened; next a bookkeeping write ({chore:?})"),
        Phase::Reporting(session) => format!("reuse of a key of session {session} to report"),
        Phase::Ready(opened) => {
            format!(
                "opened with {:?}; cookie {:?}",
                opened.held.as_ref().map(|held| &held.1),
                opened.change
            )
        }
        Phase::Unsure { .. } => "unsure whether its write was applied".to_owned(),
        Phase::Beginning => "about to begin a session".to_owned(),
        Phase::Answered(change) => format!("answered; cookie {change:?}"),
    }
}
