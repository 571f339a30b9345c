//! How a law is broken, step by step.

use stateright::Model as _;

use crate::model::{Action, Cloakroom};
use crate::state::{Client, Phase, Request, State};
use crate::turn::Delivery;

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
    let number = before.spent.requests + 1;
    match action {
        Action::Tick(at) => format!("it is {at} s after the start"),
        Action::Send(client, task) => {
            let keys = before.jar(client).present().keys;
            format!("{client:?} sends request {number} ({task:?}) with {keys:?}")
        }
        Action::Forge(origin, task) => {
            let client = Client::Owner;
            format!("another site makes {client:?} send request {number} ({task:?}, {origin:?})")
        }
        Action::Step(number, delivery) => {
            let what = match delivery {
                Delivery::Good => "goes on",
                Delivery::LostBefore => "asks the store, which is not reached",
                Delivery::LostAfter => "asks the store, whose answer is lost",
                Delivery::Failed => "cannot reach the store",
                Delivery::Cached => "is answered by the near cache",
            };
            format!("request {number}{} {what}", task(number))
        }
        Action::Cancel(number) => format!("request {number}{} is dropped", task(number)),
        Action::Deliver(number) => format!("response {number}{} arrives", task(number)),
        Action::Lose(number) => format!("response {number}{} is lost", task(number)),
        Action::Revoke => "an operator revokes session 0".to_owned(),
        Action::RevokeAll => "an operator revokes all sessions of alice".to_owned(),
        Action::Copy => "the other client copies the owner's key".to_owned(),
        Action::Crash => "the owner's browser crashes".to_owned(),
        Action::Sweep => "the store is swept".to_owned(),
        Action::SetBack(by) => format!("the clock is set back by {by} s"),
    }
}

fn changes(before: &State, after: &State) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, entry) in &after.store.entries {
        if before.store.entries.get(id) != Some(entry) {
            lines.push(format!("session {id}: {entry:?}"));
        }
    }
    for (principal, entries) in &after.store.index {
        if before.store.index.get(principal) != Some(entries) {
            let sessions: Vec<u8> = entries.keys().map(|id| id.as_bytes()[0]).collect();
            lines.push(format!("sessions of {principal}: {sessions:?}"));
        }
    }
    for client in [Client::Owner, Client::Other] {
        if before.jar(client) != after.jar(client) {
            lines.push(format!("{client:?} keeps {:?}", after.jar(client)));
        }
    }
    for (key, fate) in &after.shadow.keys {
        if before.shadow.keys.get(key) != Some(fate) {
            lines.push(format!("{key:?} of session {}: {fate:?}", key.session()));
        }
    }
    for request in &after.requests {
        if before.requests.iter().any(|other| other.number == request.number && other != request) {
            lines.push(format!("request {}: {}", request.number, phase(request)));
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

fn phase(request: &Request) -> String {
    let last = request.last.unwrap_or("not asked");
    match &request.phase {
        Phase::Sent => "sent".to_owned(),
        Phase::Asked(waiting) => {
            let ask = format!("{:?}", waiting.1);
            let question = ask.split(['(', ' ']).next().unwrap_or_default();
            format!("{last}; next: {} {question}", waiting.0.name())
        }
        Phase::Loading(_) => format!("{last}; next: load the old session"),
        Phase::Ready(_) => {
            format!("{last}; opened with {:?}; cookie {:?}", request.key, request.change)
        }
        Phase::Answered => format!("{last}; answered; cookie {:?}", request.change),
    }
}
