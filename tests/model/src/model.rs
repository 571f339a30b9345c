//! A scenario as a state machine: which steps are possible, and where each leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::protocol::{self, SUPERSEDED_FOR};
use cloakroom::record::{EndReason, Revision};
use cloakroom::value::Payload;
use stateright::{Model, Property};

use crate::decisions::Decisions;
use crate::events::Tally;
use crate::laws;
use crate::model_key::{Entry, ModelKey};
use crate::scenarios::Scenario;
use crate::state::{
    Browser, Change, FaultBudget, KeyFate, Phase, Request, Shadow, State, Task, Who,
};
use crate::step::{Delivery, Step};

/// The number of the request that the laws try in a state, apart from those sent.
pub(crate) const TRIAL: u8 = 100;

/// A scenario under the decisions of the library or of a mutant.
pub(crate) struct Cloakroom {
    pub(crate) scenario: Scenario,
    pub(crate) decisions: &'static dyn Decisions,
    pub(crate) tally: Arc<Tally>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The clock advances to this many seconds after the start.
    Tick(u64),
    Send(Browser, Task),
    /// A request takes its next step.
    Step(u8),
    /// A request's write gets no answer.
    Unheard {
        number: u8,
        reached: bool,
    },
    /// A request is dropped.
    Cancel(u8),
    Deliver(u8),
    /// A response never arrives.
    Lose(u8),
    /// An operator ends the initial session.
    Revoke,
    /// The other browser gets a copy of the owner's cookie.
    Copy,
    /// The owner's browser crashes and restores the jar that it had a moment ago.
    Crash,
    Sweep,
}

/// The moment `at` seconds after the start.
pub(crate) fn moment(at: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000).after(Duration::from_secs(at))
}

impl Model for Cloakroom {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let scenario = &self.scenario;
        let key = ModelKey::fresh(0, 0);
        let revision = Revision::new(1, u64::MAX);
        let record = protocol::begin(
            *key.verifier(),
            scenario.lifetime,
            scenario.signed_in.map(Who::principal),
            Payload::unset(),
            revision,
            moment(0),
        );
        let guess = scenario.guess.then(|| ModelKey::fresh(0, 0x7F));
        let mut turn = Step::new(
            self.decisions,
            scenario.lifetime,
            State {
                at: 0,
                store: BTreeMap::from([(0, Entry::written(record, revision, &[]))]),
                jars: [Some(key.clone()), guess],
                restorable: None,
                requests: Vec::new(),
                spent: FaultBudget::default(),
                shadow: Shadow {
                    secrets: BTreeMap::from([(key, KeyFate::Works)]),
                    ..Shadow::default()
                },
            },
        );
        turn.take_note();
        vec![turn.state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let scenario = &self.scenario;
        if !state.shadow.broken.is_empty() {
            return;
        }
        let next = scenario.moments.iter().find(|&&moment| moment > state.at);
        actions.extend(next.filter(|&&at| self.may_wait(state, at)).map(|&at| Action::Tick(at)));
        if state.spent.requests < scenario.requests && state.requests.len() < scenario.in_flight {
            for (browser, tasks) in
                [(Browser::Owner, scenario.owner), (Browser::Other, scenario.other)]
            {
                actions.extend(
                    sendable(state, browser, tasks).map(|&task| Action::Send(browser, task)),
                );
            }
        }
        for (index, request) in state.requests.iter().enumerate() {
            let same = |other: &Request| {
                (other.browser, other.task, &other.phase)
                    == (request.browser, request.task, &request.phase)
            };
            let number = request.number;
            match &request.phase {
                // Of requests that differ only in their numbers the first goes first. One that
                // never arrives need not be sent.
                Phase::Sent { .. } if state.requests[..index].iter().any(same) => {}
                Phase::Sent { .. } => actions.push(Action::Step(number)),
                Phase::Answered(_) => {
                    actions.push(Action::Deliver(number));
                    actions.extend(scenario.faults.then_some(Action::Lose(number)));
                }
                phase => {
                    actions.push(Action::Step(number));
                    actions.extend(scenario.faults.then_some(Action::Cancel(number)));
                    let writes = matches!(phase, Phase::Ready(_)) && request.task != Task::Logout;
                    if writes && state.spent.doubts < scenario.doubts {
                        actions.push(Action::Unheard { number, reached: false });
                        actions.push(Action::Unheard { number, reached: true });
                    }
                }
            }
        }
        if state.spent.revocations < scenario.revocations {
            actions.push(Action::Revoke);
        }
        if state.spent.copies < scenario.copies {
            actions.push(Action::Copy);
        }
        if state.spent.crashes < scenario.crashes && state.restorable.is_some() {
            actions.push(Action::Crash);
        }
        if scenario.sweeps && state.store.values().any(|entry| is_garbage(entry, state.at)) {
            actions.push(Action::Sweep);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut turn = Step::new(self.decisions, self.scenario.lifetime, last.clone());
        Self::apply(&mut turn, action);
        turn.take_note();
        self.tally.add(turn.events);
        Some(turn.state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::properties(self.scenario.laws)
    }
}

impl Cloakroom {
    /// Whether time can pass: no operation is at the store, and nothing gets later than the
    /// scenario allows.
    fn may_wait(&self, state: &State, until: u64) -> bool {
        let late = |since: u64| until - since > self.scenario.lateness;
        state.requests.iter().all(|request| match &request.phase {
            Phase::Sent { at, .. } => !late(*at),
            Phase::Ready(opened) => opened.tries == 0 && !opened.change.decided().is_some_and(late),
            Phase::Answered(change) => !change.decided().is_some_and(late),
            Phase::Beginning => true,
            Phase::Bookkeeping(..) | Phase::Reporting(_) | Phase::Unsure { .. } => false,
        })
    }

    fn apply(turn: &mut Step<'_>, action: Action) {
        match action {
            Action::Tick(at) => {
                turn.state.at = at;
                turn.state.restorable = None;
            }
            Action::Send(browser, task) => {
                turn.state.spent.requests += 1;
                turn.send(turn.state.spent.requests, browser, task);
            }
            Action::Step(number) => turn.step(number, Delivery::Good),
            Action::Unheard { number, reached } => {
                turn.state.spent.doubts += 1;
                turn.step(number, if reached { Delivery::Deaf } else { Delivery::Cut });
            }
            Action::Cancel(number) | Action::Lose(number) => {
                turn.take(number);
            }
            Action::Deliver(number) => turn.deliver(number),
            Action::Revoke => {
                turn.state.spent.revocations += 1;
                turn.end(0, EndReason::Revoked);
            }
            Action::Copy => {
                turn.state.spent.copies += 1;
                let copy = turn.state.jar(Browser::Owner).cloned();
                turn.state.set_jar(Browser::Other, copy);
            }
            Action::Crash => turn.crash(),
            Action::Sweep => {
                let at = turn.state.at;
                turn.state.store.retain(|_, entry| !is_garbage(entry, at));
            }
        }
    }

    /// Whether a trial in this state shows anything new. A trial ignores the requests in flight,
    /// and where those can be dropped, the state without them is tried too.
    pub(crate) fn is_worth_a_trial(&self, state: &State) -> bool {
        state.requests.is_empty() || !self.scenario.faults
    }

    /// The result of one request of the owner after waiting, if nothing else happens and nothing
    /// is lost.
    pub(crate) fn trial(&self, state: &State, wait: Duration, task: Task) -> State {
        let calm = State { at: state.at + wait.as_secs(), requests: Vec::new(), ..state.clone() };
        let mut turn = Step::new(self.decisions, self.scenario.lifetime, calm);
        turn.take_note();
        turn.send(TRIAL, Browser::Owner, task);
        while let Some(phase) = turn.state.requests.first().map(|request| &request.phase) {
            match phase {
                Phase::Answered(_) => turn.deliver(TRIAL),
                _ => turn.step(TRIAL, Delivery::Good),
            }
        }
        turn.state
    }

    /// Waits until a superseded key is retired.
    pub(crate) const SUPERSEDED: Duration = SUPERSEDED_FOR;
}

/// The tasks that `browser` can send. Equal requests in a row are sent in one order only.
fn sendable<'a>(
    state: &State,
    browser: Browser,
    tasks: &'a [Task],
) -> impl Iterator<Item = &'a Task> + use<'a> {
    let jar = state.jar(browser);
    let idle = browser == Browser::Other && jar.is_none();
    let last = state.requests.last().filter(|last| {
        let Phase::Sent { presented, at } = &last.phase else {
            return false;
        };
        last.browser == browser && presented.as_ref() == jar && *at == state.at
    });
    let from = last.and_then(|last| tasks.iter().position(|task| *task == last.task)).unwrap_or(0);
    tasks[from..].iter().filter(move |_| !idle)
}

fn is_garbage(entry: &Entry, at: u64) -> bool {
    entry.stored().expires_at().has_passed(moment(at))
}

impl Request {
    pub(crate) fn answers(&self) -> Option<&Change> {
        match &self.phase {
            Phase::Answered(change) => Some(change),
            _ => None,
        }
    }
}
