//! A scenario as a state machine: which actions are possible, and where each leads.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::protocol::RequestOrigin;
use cloakroom::protocol::steps::Policy;
use stateright::{Model, Property};

use crate::context::{Decisions, policy};
use crate::coverage::Coverage;
use crate::flaws::{Flaw, Twist};
use crate::laws::Law;
use crate::scenarios::Scenario;
use crate::state::{Client, Phase, Request, State, Task};
use crate::turn::{Delivery, Turn};

/// The number of the request that the laws try in a state, apart from those sent.
pub(crate) const TRIAL: u8 = 100;

/// The number of an operator's command.
const OPERATOR: u8 = 99;

/// How many steps a trial takes at most.
const MAX_STEPS: usize = 100;

/// A scenario under the decisions and the order of the library or of a mutant.
pub(crate) struct Cloakroom {
    pub(crate) scenario: Scenario,
    pub(crate) laws: Vec<Law>,
    pub(crate) policy: Policy,
    pub(crate) rules: &'static Decisions,
    pub(crate) flaw: Flaw,
    pub(crate) twist: Option<Twist>,
    pub(crate) coverage: Arc<Coverage>,
}

/// One action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The clock advances to this many seconds after the start.
    Tick(u64),
    Send(Client, Task),
    /// Another site makes the owner's browser send a request.
    Forge(RequestOrigin, Task),
    /// A request's question is answered, or not.
    Step(u8, Delivery),
    /// A request is dropped.
    Cancel(u8),
    Deliver(u8),
    /// A response never arrives.
    Lose(u8),
    /// An operator ends the first session.
    Revoke,
    /// An operator ends all of Alice's sessions.
    RevokeAll,
    /// The other client gets a copy of the owner's key, as a cookie.
    Copy,
    /// The owner's browser crashes and restores the jar that it had a moment ago.
    Crash,
    Sweep,
    /// The clock of the nodes is set back by this many seconds.
    SetBack(u64),
}

/// The moment `at` seconds after the start.
pub(crate) fn moment(at: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000).after(Duration::from_secs(at))
}

impl Model for Cloakroom {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let states = self.scenario.initial_states().into_iter();
        let noted = states.map(|state| {
            let mut turn = Turn::new(self, state);
            turn.take_note();
            turn.state
        });
        noted.collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let scenario = &self.scenario;
        if !state.shadow.broken.is_empty() {
            return;
        }
        let next = scenario.moments.iter().find(|&&moment| moment > state.at);
        actions.extend(next.filter(|&&at| self.may_wait(state, at)).map(|&at| Action::Tick(at)));
        if state.spent.requests < scenario.requests && state.requests.len() < scenario.in_flight {
            for (client, tasks) in
                [(Client::Owner, scenario.owner), (Client::Other, scenario.other)]
            {
                let is_left = |task: &&Task| {
                    task.signs_in().is_none() || state.spent.sign_ins < scenario.sign_ins
                };
                let tasks = self.sendable(state, client, tasks).iter().filter(is_left);
                actions.extend(tasks.map(|&task| Action::Send(client, task)));
            }
            let foreign = scenario.foreign.iter();
            actions.extend(foreign.map(|&(origin, task)| Action::Forge(origin, task)));
        }
        for (index, request) in state.requests.iter().enumerate() {
            self.steps(state, index, request, actions);
        }
        if state.spent.operator < scenario.operator {
            actions.push(if scenario.revokes_all { Action::RevokeAll } else { Action::Revoke });
        }
        if state.spent.copies < scenario.copies {
            actions.push(Action::Copy);
        }
        if state.spent.crashes < scenario.crashes && state.restorable.is_some() {
            actions.push(Action::Crash);
        }
        if scenario.sets_back > 0 && state.set_back == 0 && state.requests.is_empty() {
            actions.push(Action::SetBack(scenario.sets_back));
        }
        if scenario.sweeps && Self::garbage(state).next().is_some() {
            actions.push(Action::Sweep);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut turn = Turn::new(self, last.clone());
        self.apply(&mut turn, action)?;
        turn.take_note();
        Some(turn.state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.laws.iter().map(|law| law.property()).collect()
    }
}

impl Cloakroom {
    pub(crate) fn new(
        scenario: Scenario,
        rules: &'static Decisions,
        flaw: Flaw,
        coverage: Arc<Coverage>,
    ) -> Self {
        let (laws, policy) = (scenario.laws(), policy(&scenario));
        Self { scenario, laws, policy, rules, flaw, twist: None, coverage }
    }

    /// What can happen to a request.
    fn steps(&self, state: &State, index: usize, request: &Request, actions: &mut Vec<Action>) {
        let scenario = &self.scenario;
        let number = request.number;
        // Of requests that differ only in their numbers the first goes first. One that never
        // arrives need not be sent.
        let is_same = |other: &Request| {
            matches!(other.phase, Phase::Sent)
                && (other.client, other.task, &other.presented, other.sent)
                    == (request.client, request.task, &request.presented, request.sent)
        };
        match &request.phase {
            Phase::Sent if state.requests[..index].iter().any(is_same) => return,
            Phase::Answered => {
                actions.push(Action::Deliver(number));
                actions.extend(scenario.faults.then_some(Action::Lose(number)));
                return;
            }
            Phase::Sent => {}
            _ => actions.extend(scenario.faults.then_some(Action::Cancel(number))),
        }
        actions.push(Action::Step(number, Delivery::Good));
        if state.spent.losses < scenario.losses {
            let bad = Delivery::BAD.iter().filter(|how| **how != Delivery::Cached);
            actions.extend(bad.map(|&how| Action::Step(number, how)));
        }
        if scenario.is_cached {
            actions.push(Action::Step(number, Delivery::Cached));
        }
    }

    /// Whether time can pass: no question is at the store, and nothing gets later than the
    /// scenario allows.
    fn may_wait(&self, state: &State, until: u64) -> bool {
        let late = |since: u64| until - since > self.scenario.lateness;
        state.requests.iter().all(|request| match &request.phase {
            Phase::Sent => !late(request.sent),
            Phase::Ready(_) | Phase::Answered => !request.change.decided().is_some_and(late),
            Phase::Asked(_) | Phase::Loading(_) => false,
        })
    }

    fn apply(&self, turn: &mut Turn<'_>, action: Action) -> Option<()> {
        let scenario = &self.scenario;
        let state = &mut turn.state;
        match action {
            Action::Tick(at) => {
                state.at = at;
                state.restorable = None;
            }
            Action::Send(client, task) => {
                state.spent.requests += 1;
                let is_counted = scenario.sign_ins < u8::MAX && task.signs_in().is_some();
                state.spent.sign_ins += u8::from(is_counted);
                let number = state.spent.requests;
                turn.send(number, client, task, RequestOrigin::SameSite);
            }
            Action::Forge(origin, task) => {
                state.spent.requests += 1;
                let number = state.spent.requests;
                turn.send(number, Client::Owner, task, origin);
            }
            Action::Step(number, delivery) => {
                let is_loss = !matches!(delivery, Delivery::Good | Delivery::Cached);
                state.spent.losses += u8::from(is_loss);
                turn.step(number, delivery)?;
            }
            Action::Cancel(number) | Action::Lose(number) => drop(turn.take(number)),
            Action::Deliver(number) => turn.deliver(number),
            Action::Revoke => {
                state.spent.operator += 1;
                turn.revoke(0);
            }
            Action::RevokeAll => {
                state.spent.operator += 1;
                turn.send(OPERATOR, Client::Other, Task::RevokeAll, RequestOrigin::SameSite);
            }
            Action::Copy => {
                state.spent.copies += 1;
                let copy = state.jar(Client::Owner).copied(scenario.copied_as);
                *state.jar_mut(Client::Other) = copy;
            }
            Action::Crash => turn.crash(),
            Action::SetBack(by) => {
                state.set_back = by;
                // A renewal in progress begins its grace period again.
                state.shadow.used.clear();
            }
            Action::Sweep => {
                let garbage: Vec<u8> = Self::garbage(state).collect();
                state.store.entries.retain(|session, _| !garbage.contains(session));
            }
        }
        Some(())
    }

    /// The entries that a sweep removes.
    fn garbage(state: &State) -> impl Iterator<Item = u8> + use<'_> {
        let now = state.now();
        let entries = state.store.entries.iter();
        let is_garbage =
            move |entry: &crate::entry::Entry| entry.stored().expires_at().has_passed(now);
        entries.filter(move |(_, entry)| is_garbage(entry)).map(|(session, _)| *session)
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
        let mut turn = Turn::new(self, calm);
        turn.take_note();
        turn.send(TRIAL, Client::Owner, task, RequestOrigin::SameSite);
        // A mutant can ask for ever.
        for _ in 0..MAX_STEPS {
            let Some(request) = turn.state.requests.first() else { break };
            match request.phase {
                Phase::Answered => turn.deliver(TRIAL),
                _ => drop(turn.step(TRIAL, Delivery::Good)),
            }
        }
        turn.state
    }

    /// The tasks that `client` can send. Equal requests in a row are sent in one order only.
    fn sendable<'a>(&self, state: &State, client: Client, tasks: &'a [Task]) -> &'a [Task] {
        // Until it has a copy of a key, the other client has nothing to send.
        if client == Client::Other && self.scenario.copies > state.spent.copies {
            return &[];
        }
        let presented = state.jar(client).present();
        let last = state.requests.last().filter(|last| {
            matches!(last.phase, Phase::Sent)
                && (last.client, last.sent, &*last.presented) == (client, state.at, &presented)
        });
        let from = last.and_then(|last| tasks.iter().position(|task| *task == last.task));
        &tasks[from.unwrap_or(0)..]
    }
}
