//! One scenario as a state machine: which actions are possible, and where each leads.

mod deliver;
mod setup;
mod trial;

use cloakroom::Timestamp;
use cloakroom::protocol::steps::{Answer, Ask, DeviceOutcome, Loaded, Policy, SessionState, Step};
use cloakroom::protocol::{Authorization, Challenger, CookieChange, NoSession, registration};
use cloakroom::record::Record;
use cloakroom::store::{StoreError, StoreErrorKind};

use super::browser::{Attacker, Browser};
use super::laws;
use super::request::{Flight, Outcome, Progress, Proof, Response, What, Work};
use super::scenarios::{Act, Scenario, Start};
use crate::context::{Decisions, Node};
use crate::entry::Entry;
use crate::jar::{Change, Presented};
use crate::model::moment;
use crate::model_key::{KIND, ModelKey, session_id};
use crate::scenarios as library;
use crate::state::{Client, Request, Task};
use crate::store::Store;

/// How long a secret of a bound session is good, in seconds.
pub(super) const LIFE: u64 = 600;
/// How many seconds a request or its answer is on its way at most.
const LATENESS: u64 = 60;
/// How long requests can be on their way with the key from before a binding.
const GRACE: u64 = 60;
/// By how much the clocks of nodes can differ.
const SLACK: u64 = 10;

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Seconds since the start.
    pub(super) at: u64,
    pub(super) store: Store,
    pub(super) browser: Browser,
    pub(super) attacker: Attacker,
    pub(super) flights: Vec<Flight>,
    sent: u8,
    losses: u8,
    /// What the browser's device has signed for refreshes that were accepted, and when that was.
    recorded: Vec<(Proof, u64)>,
    /// When a binding was first used since the last sign-in.
    used_at: Option<u64>,
    /// Whether an answer can have overtaken a sign-in, or was lost with one.
    is_overtaken: bool,
    pub(super) broken: Option<&'static str>,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The clock advances to this many seconds after the start.
    Tick(u64),
    Send(Client, What),
    /// A question is answered, or the answer to its write is lost.
    Step(usize, bool),
    Deliver(usize),
    /// A request or its answer is lost.
    Lose(usize),
    Copy,
}

/// A scenario under the decisions of the library or of a mutant.
pub(super) struct Run {
    scenario: &'static Scenario,
    rules: &'static Decisions,
    policy: Policy,
    context: library::Scenario,
}

impl State {
    fn now(&self) -> Timestamp {
        moment(self.at)
    }

    fn record(&self) -> Option<&Record> {
        self.store.entries.get(&0).and_then(Entry::live)
    }
}

impl Run {
    pub(super) fn actions(&self, state: &State) -> Vec<Action> {
        let scenario = self.scenario;
        let mut actions = Vec::new();
        // Time stands still while a question is at the store, and nothing is late by more than a
        // minute.
        let may_pass = |until: u64| {
            state.flights.iter().all(|flight| {
                !matches!(flight.progress, Progress::Asked(..)) && until - flight.since <= LATENESS
            })
        };
        let next = scenario.moments.iter().find(|&&moment| moment > state.at);
        actions.extend(next.filter(|&&at| may_pass(at)).map(|&at| Action::Tick(at)));
        if state.sent < scenario.requests && state.flights.len() < scenario.in_flight {
            let what = scenario.owner.iter().filter_map(|act| Self::owners(state, *act));
            actions.extend(what.map(|what| Action::Send(Client::Owner, what)));
            actions.extend(Self::registration(state).map(|it| Action::Send(Client::Owner, it)));
            let what = self.attackers(state).into_iter();
            actions.extend(what.map(|what| Action::Send(Client::Other, what)));
        }
        for (index, flight) in state.flights.iter().enumerate() {
            match &flight.progress {
                Progress::Answered(_) => actions.push(Action::Deliver(index)),
                Progress::Asked(_, Ask::Replace(..)) if state.losses < scenario.losses => {
                    actions.extend([Action::Step(index, false), Action::Step(index, true)]);
                }
                Progress::Sent | Progress::Asked(..) => actions.push(Action::Step(index, false)),
            }
            if flight.client == Client::Owner && flight.what != What::Login {
                actions.push(Action::Lose(index));
            }
        }
        if scenario.attacker
            && state.attacker.key.is_none()
            && state.browser.key(state.at).is_some()
        {
            actions.push(Action::Copy);
        }
        actions
    }

    /// What the browser sends for this act, if it sends it now.
    fn owners(state: &State, act: Act) -> Option<What> {
        let browser = &state.browser;
        match act {
            // It waits for the refresh that is due.
            Act::Visit => (!browser.must_refresh(state.at)).then_some(What::Visit),
            Act::Login => (!browser.must_refresh(state.at)).then_some(What::Login),
            Act::Refresh => Some(What::Refresh(Self::proof(browser.device?, browser))),
        }
    }

    fn proof(device: u8, browser: &Browser) -> Option<Proof> {
        Some(Proof { device, authorization: None, challenge: browser.challenge? })
    }

    fn registration(state: &State) -> Option<What> {
        let (device, offer) = (state.sent + 1, state.browser.offer?);
        let (challenge, authorization) = (offer.challenge, Some(offer.authorization));
        Some(What::Register(Proof { device, authorization, challenge }))
    }

    fn attackers(&self, state: &State) -> Vec<What> {
        let mut all = Vec::new();
        if state.attacker.key.is_some() {
            all.push(What::Visit);
            // With the key of a session that is not bound, they could take it over.
            if state.attacker.until.is_some() || state.record().is_some_and(is_confirmed) {
                all.extend([What::Renew, What::Extend]);
            }
        }
        if self.scenario.start == Start::Offered && state.attacker.key.is_some() {
            // A device of their own, even if they knew the challenge.
            let record = state.record().filter(|record| record.device_offer().is_some());
            let offer = record.and_then(|record| registration(record, CHALLENGER, state.now()));
            let authorization = Authorization::parse(&"A".repeat(43));
            let proof = |challenge| Proof { device: 0x60, authorization, challenge };
            all.extend(offer.map(|offer| What::Register(proof(offer.challenge))));
        }
        if self.scenario.replays {
            let proofs = state.recorded.iter().map(|(proof, _)| proof.clone());
            all.extend(proofs.map(|proof| What::Refresh(Some(proof))));
        }
        all
    }

    pub(super) fn apply(&self, before: &State, action: &Action) -> State {
        let mut state = before.clone();
        match action {
            Action::Tick(at) => state.at = *at,
            Action::Send(client, what) => Self::send(&mut state, *client, what.clone()),
            Action::Step(index, is_lost) => {
                state.losses += u8::from(*is_lost);
                self.step(&mut state, *index, *is_lost);
            }
            Action::Deliver(index) => {
                let flight = state.flights.remove(*index);
                Self::deliver(&mut state, flight);
            }
            Action::Lose(index) => drop(state.flights.remove(*index)),
            Action::Copy => {
                let key = state.browser.key(state.at).cloned();
                let device = state.record().and_then(Record::device);
                let is_bound = key.as_ref().zip(device).is_some_and(|(key, device)| {
                    device.is_confirmed || device.until(key.verifier()).is_some()
                });
                state.attacker.key = key;
                state.attacker.until = is_bound.then_some(state.at + LIFE + SLACK);
            }
        }
        state
    }

    fn send(state: &mut State, client: Client, what: What) {
        state.sent += 1;
        let number = state.sent;
        let key = match client {
            Client::Owner => state.browser.key(state.at),
            Client::Other => state.attacker.key.as_ref(),
        };
        let presented =
            Presented { keys: key.into_iter().cloned().collect(), ..Presented::default() };
        let signs_in = |flight: &Flight| flight.what == What::Login;
        if what == What::Login || state.flights.iter().any(signs_in) {
            state.is_overtaken |= !state.flights.is_empty();
        }
        if client == Client::Owner && matches!(what, What::Register(_)) {
            state.browser.offer = None;
        }
        let is_marked = client == Client::Other || state.browser.is_marked;
        let task =
            if what == What::Login { Task::Login(crate::state::Who::Alice) } else { Task::Read };
        let request = Request::new(number, client, task, state.at, presented);
        let progress = Progress::Sent;
        let since = state.at;
        state.flights.push(Flight { client, what, is_marked, request, progress, since });
    }

    /// Answers a request's question, and goes on to the next one.
    fn step(&self, state: &mut State, index: usize, is_lost: bool) {
        let mut flight = state.flights.remove(index);
        let (mut work, mut next) = self.resume(state, &mut flight, is_lost);
        flight.progress = loop {
            match next {
                // A turn in the queues of a process is granted at once.
                Step::Ask(Ask::WriterTurn(_)) => {
                    next = self
                        .node(state, &mut flight, |node| work.step(node, Answer::WriterTurn(None)));
                }
                Step::Ask(Ask::LoginTurn(_)) => {
                    next = self.node(state, &mut flight, |node| work.step(node, Answer::LoginTurn));
                }
                Step::Ask(ask) => break Progress::Asked(work, ask),
                Step::Done(outcome) => match self.ended(state, &mut flight, outcome) {
                    Ok(following) => {
                        *work = following;
                        next = self.node(state, &mut flight, |node| work.start(node));
                    }
                    Err(response) => {
                        flight.since = state.at;
                        break Progress::Answered(response);
                    }
                },
            }
        };
        state.flights.insert(index, flight);
    }

    fn resume(
        &self,
        state: &mut State,
        flight: &mut Flight,
        is_lost: bool,
    ) -> (Box<Work>, Step<Outcome>) {
        let before = std::mem::replace(&mut flight.progress, Progress::Sent);
        let Progress::Asked(mut work, ask) = before else {
            let mut work = Box::new(Work::first(&flight.what, &flight.request.presented));
            let next = self.node(state, flight, |node| work.start(node));
            return (work, next);
        };
        let before = state.record().cloned();
        let answer = state.store.carry_out(&ask).expect("a question for the store");
        Self::check_write(state, &work, &flight.what, before.as_ref());
        let answer = if is_lost {
            let unknown = StoreError::outcome_unknown(StoreErrorKind::Unavailable);
            Answer::Swapped(Err(unknown))
        } else {
            answer
        };
        let next = self.node(state, flight, |node| work.step(node, answer));
        (work, next)
    }

    /// Lets a node take a step of a request.
    fn node<R>(&self, state: &State, flight: &mut Flight, takes: impl FnOnce(&Node<'_>) -> R) -> R {
        let Self { rules, policy, context, .. } = self;
        let node = Node::new(*rules, policy, context, state.now(), None, &flight.request);
        let result = takes(&node);
        node.leave(&mut flight.request);
        result
    }

    /// What follows an operation: another one, or the response.
    fn ended(
        &self,
        state: &mut State,
        flight: &mut Flight,
        outcome: Outcome,
    ) -> Result<Work, Response> {
        match outcome {
            Outcome::Opened(opened) => {
                let no_session = opened.session.no_session();
                if flight.client == Client::Owner && no_session == Some(NoSession::WrongSecret) {
                    state.broken = Some(laws::NOT_SUSPECTED);
                }
                Self::note_opened(state, flight, &opened.session);
                Self::set_cookie(state, flight, &opened.cookie);
                let response = Self::page(state, flight, no_session.is_none());
                Work::on_opened(&flight.what, opened.session).ok_or(response)
            }
            Outcome::Written(written) => {
                Self::set_cookie(state, flight, &written.cookie);
                Err(Self::page(state, flight, true))
            }
            Outcome::Loaded(loaded) => {
                // The endpoints' own order, of `sessions/device.rs`.
                if matches!(flight.what, What::Register(_)) && !flight.is_marked {
                    return Err(Response::Failed);
                }
                if matches!(flight.what, What::Refresh(_)) && !flight.is_marked {
                    let is_being_bound = self.rules.is_being_bound(&loaded.record, state.now());
                    return Err(if is_being_bound { Response::Failed } else { Response::Over });
                }
                Work::on_loaded(&flight.what, loaded).ok_or(Response::Failed)
            }
            Outcome::Device(written) => {
                Self::set_cookie(state, flight, &written.cookie);
                self.record_proof(state, flight, written.result);
                let is_accepted = matches!(written.result, DeviceOutcome::Accepted(_));
                let is_registration = matches!(flight.what, What::Register(_));
                if flight.client == Client::Other && is_registration && is_accepted {
                    state.broken = Some(laws::NOT_STOLEN);
                }
                Err(Response::Device(written.result))
            }
            Outcome::Failed => Err(Response::Failed),
        }
    }

    /// The attacker sees what the browser sends.
    fn record_proof(&self, state: &mut State, flight: &Flight, outcome: DeviceOutcome) {
        let (What::Refresh(Some(proof)), DeviceOutcome::Accepted(_)) = (&flight.what, outcome)
        else {
            return;
        };
        let is_known = |(known, _): &(Proof, u64)| known == proof;
        if self.scenario.replays && !state.recorded.iter().any(is_known) {
            state.recorded.push((proof.clone(), state.at));
        }
    }

    /// What the response says about the cookie.
    fn set_cookie(state: &State, flight: &mut Flight, cookie: &CookieChange) {
        flight.request.change = match cookie {
            CookieChange::Keep => return,
            CookieChange::Remove => Change::Remove(state.at),
            CookieChange::Send { key, life } => {
                // When it ends, in place of when it was decided.
                let until = life.map_or(u64::MAX, |life| state.at + life.as_secs());
                Change::Send(ModelKey::stray(key), until)
            }
        };
    }

    fn note_opened(state: &mut State, flight: &Flight, session: &SessionState<crate::work::Value>) {
        let SessionState::Live(loaded) = session else { return };
        if flight.client == Client::Other {
            let is_over = match state.attacker.until {
                Some(until) => state.at >= until,
                None => false,
            };
            if is_over {
                state.broken = Some(laws::WORTH);
            }
            let has_retired = state.used_at.is_some_and(|used| state.at >= used + GRACE);
            if state.attacker.until.is_none() && has_retired {
                state.broken = Some(laws::USUAL_KEYS_RETIRE);
            }
        } else if is_confirmed(&loaded.record) || is_bound_key(loaded) {
            state.used_at.get_or_insert(state.at);
        }
    }

    /// What a write may do to the record.
    fn check_write(state: &mut State, work: &Work, what: &What, before: Option<&Record>) {
        let Some((before, after)) = before.zip(state.record().cloned()) else { return };
        if before == &after {
            return;
        }
        let (old, new) = (before.device(), after.device());
        let open_until = |record: &Record| record.device().map(|device| device.open_until());
        let moved = open_until(before).zip(open_until(&after)).is_some_and(|(old, new)| new > old);
        let is_bounded = new.as_ref().is_none_or(|device| {
            let limit = state.now().after(std::time::Duration::from_secs(LIFE));
            device.secrets().len() <= 4 && device.open_until() <= limit
        });
        let is_replaced = old.as_ref().is_some_and(|old| {
            old.is_confirmed
                && *what != What::Login
                && new.as_ref().is_none_or(|new| new.key != old.key)
        });
        let proved = work.proves();
        let law = if moved && !proved {
            Some(laws::PROOFS_MOVE)
        } else if proved && before.idle_deadline() != after.idle_deadline() {
            Some(laws::NO_USE)
        } else if is_replaced {
            Some(laws::NOT_REPLACED)
        } else if is_bounded {
            None
        } else {
            Some(laws::BOUNDED)
        };
        state.broken = state.broken.or(law);
        if *what == What::Login && new.is_none() {
            state.used_at = None;
        }
    }

    /// The response of a page. It asks the browser to register as `session/request/head.rs` does.
    fn page(state: &State, flight: &Flight, opened: bool) -> Response {
        let is_sent = matches!(flight.request.change, Change::Send(..));
        let asks = opened && is_sent && flight.what == What::Login;
        let record = state.record().filter(|_| asks);
        let offer = record.and_then(|record| registration(record, CHALLENGER, state.now()));
        Response::Page { opened, offer }
    }
}

/// What challenges are made from, apart from the record.
const CHALLENGER: Challenger<'static> = Challenger { id: session_id(0), server_key: None };

fn is_confirmed(record: &Record) -> bool {
    record.device().is_some_and(|device| device.is_confirmed)
}

/// Whether the session was opened with a secret that its device was given.
fn is_bound_key(loaded: &Loaded<crate::work::Value>) -> bool {
    let verifier = loaded.key().map(|key| key.verifier(*KIND));
    loaded.record.device().zip(verifier).is_some_and(|(device, it)| device.until(&it).is_some())
}
