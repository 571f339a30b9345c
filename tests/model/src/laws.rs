//! What must hold in every state that can be reached.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::protocol::{KeyStatus, NoSession, REUSE_AFTER, SUPERSEDED_FOR};
use cloakroom::record::Record;
use cloakroom::record::Retirement;
use stateright::Property;

use crate::model::{Cloakroom, TRIAL, moment};
use crate::state::{Browser, Fate, State, Task, Who};
use crate::ticket::{Ticket, writes};

/// A law of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Law {
    AcknowledgedWritesStay,
    WritesHappenOnce,
    NothingRevives,
    OnlyWorkingKeysWrite,
    ReplacedKeysOpenNothing,
    ReplacedKeysAreSignalled,
    WorkingKeysOpen,
    AtMostTwoKeysWork,
    OneSuccessor,
    UpkeepKeepsTheValue,
    DeadlinesHold,
    CookieOutlivesRecord,
    OnePrincipal,
    SupersededBeginsNothing,
    LoginAlwaysWorks,
    NobodyIsStuck,
    NobodyIsLockedOut,
    PromptRequestsOpen,
    DoubleClickSignsIn,
}

/// The laws that hold whatever happens.
pub(crate) const ALWAYS: &[Law] = &[
    Law::AcknowledgedWritesStay,
    Law::WritesHappenOnce,
    Law::NothingRevives,
    Law::OnlyWorkingKeysWrite,
    Law::ReplacedKeysOpenNothing,
    Law::ReplacedKeysAreSignalled,
    Law::WorkingKeysOpen,
    Law::AtMostTwoKeysWork,
    Law::OneSuccessor,
    Law::UpkeepKeepsTheValue,
    Law::DeadlinesHold,
    Law::CookieOutlivesRecord,
    Law::OnePrincipal,
    Law::SupersededBeginsNothing,
    Law::LoginAlwaysWorks,
    Law::NobodyIsStuck,
];

/// [`ALWAYS`], and what a sole browser may count on while nobody signs in or out and no deadline passes,
/// however the network treats it.
pub(crate) const SOLE_BROWSER: &[Law] = &[Law::NobodyIsLockedOut, Law::PromptRequestsOpen];

/// [`ALWAYS`], and what a browser may count on that signs in as one principal over a network that loses nothing.
pub(crate) const DOUBLE_CLICK: &[Law] = &[Law::DoubleClickSignsIn];

impl Law {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AcknowledgedWritesStay => "no acknowledged write is lost",
            Self::WritesHappenOnce => "no write happens twice",
            Self::NothingRevives => "nothing comes back from the dead",
            Self::OnlyWorkingKeysWrite => "only a working key writes",
            Self::ReplacedKeysOpenNothing => "a replaced key opens nothing",
            Self::ReplacedKeysAreSignalled => "a replaced key is told apart, in time as theft",
            Self::WorkingKeysOpen => "a working key opens its session",
            Self::AtMostTwoKeysWork => "at most two keys work, one after a sign-in",
            Self::OneSuccessor => "all holders of a key are handed the same next one",
            Self::UpkeepKeepsTheValue => "touch and renewal leave the value alone",
            Self::DeadlinesHold => "nothing opens past its deadlines",
            Self::CookieOutlivesRecord => "a cookie never ends before its record",
            Self::OnePrincipal => "a session never passes to another principal",
            Self::SupersededBeginsNothing => "a superseded key begins nothing",
            Self::LoginAlwaysWorks => "one undisturbed login signs in, from any state",
            Self::NobodyIsStuck => "a minute's wait and a first write work, from any state",
            Self::NobodyIsLockedOut => "the network alone locks nobody out",
            Self::PromptRequestsOpen => "a prompt request is never refused",
            Self::DoubleClickSignsIn => "a double click ends signed in",
        }
    }

    fn property(self) -> Property<Cloakroom> {
        let name = self.name();
        match self {
            Self::AcknowledgedWritesStay => {
                Property::always(name, |_, state| acknowledged_writes_stay(state))
            }
            Self::WritesHappenOnce => Property::always(name, |_, state| writes_happen_once(state)),
            Self::NothingRevives => Property::always(name, |_, state| nothing_revives(state)),
            Self::ReplacedKeysOpenNothing => Property::always(name, replaced_keys_open_nothing),
            Self::ReplacedKeysAreSignalled => Property::always(name, replaced_keys_are_signalled),
            Self::WorkingKeysOpen => Property::always(name, working_keys_open),
            Self::AtMostTwoKeysWork => Property::always(name, at_most_two_keys_work),
            Self::DeadlinesHold => Property::always(name, |model: &Cloakroom, state: &State| {
                state.kept(Self::DeadlinesHold) && deadlines_hold(model, state)
            }),
            Self::LoginAlwaysWorks => Property::always(name, login_always_works),
            Self::NobodyIsStuck => Property::always(name, nobody_is_stuck),
            Self::NobodyIsLockedOut => Property::always(name, nobody_is_locked_out),
            Self::DoubleClickSignsIn => Property::always(name, double_click_signs_in),
            // Laws about steps: the step that breaks one says so.
            Self::OnlyWorkingKeysWrite => {
                Property::always(name, |_, state: &State| state.kept(Self::OnlyWorkingKeysWrite))
            }
            Self::OneSuccessor => {
                Property::always(name, |_, state: &State| state.kept(Self::OneSuccessor))
            }
            Self::UpkeepKeepsTheValue => {
                Property::always(name, |_, state: &State| state.kept(Self::UpkeepKeepsTheValue))
            }
            Self::CookieOutlivesRecord => {
                Property::always(name, |_, state: &State| state.kept(Self::CookieOutlivesRecord))
            }
            Self::OnePrincipal => {
                Property::always(name, |_, state: &State| state.kept(Self::OnePrincipal))
            }
            Self::SupersededBeginsNothing => {
                Property::always(name, |_, state: &State| state.kept(Self::SupersededBeginsNothing))
            }
            Self::PromptRequestsOpen => {
                Property::always(name, |_, state: &State| state.kept(Self::PromptRequestsOpen))
            }
        }
    }
}

/// The laws that hold always, and these.
pub(crate) fn properties(more: &[Law]) -> Vec<Property<Cloakroom>> {
    ALWAYS.iter().chain(more).map(|law| law.property()).collect()
}

impl State {
    fn now(&self) -> Timestamp {
        moment(self.at)
    }

    fn kept(&self, law: Law) -> bool {
        !self.ghost.broken.contains(&law)
    }

    /// What each key ever minted for a live record is judged to be.
    fn standings<'a>(
        &'a self,
        model: &'a Cloakroom,
    ) -> impl Iterator<Item = (&'a Ticket, Fate, KeyStatus)> + 'a {
        self.ghost.secrets.iter().filter_map(|(ticket, &fate)| {
            let record = self.store.get(&ticket.session())?.live()?;
            Some((ticket, fate, model.decisions.judge(record, ticket.verifier(), self.now())))
        })
    }

    /// Whether the session was neither ended nor reached a deadline.
    fn is_alive(&self, ticket: &Ticket) -> bool {
        !self.ghost.dead.contains(&ticket.session())
    }

    /// The record that the owner's cookie opens.
    fn opened<'a>(&'a self, model: &Cloakroom) -> Option<&'a Record> {
        let ticket = self.jar(Browser::Owner)?;
        let record = self.store.get(&ticket.session())?.live()?;
        let standing = model.decisions.judge(record, ticket.verifier(), self.now());
        (standing == KeyStatus::Valid).then_some(record)
    }
}

fn acknowledged_writes_stay(state: &State) -> bool {
    state.ghost.acknowledged.iter().all(|(session, write)| {
        let record = state.store.get(session).and_then(|entry| entry.live());
        record.is_none_or(|record| writes(record).contains(write))
    })
}

fn writes_happen_once(state: &State) -> bool {
    let mut records = state.store.values().filter_map(|entry| entry.live());
    records.all(|record| writes(record).windows(2).all(|pair| pair[0] < pair[1]))
}

fn nothing_revives(state: &State) -> bool {
    state.store.iter().all(|(session, entry)| {
        let alive = entry.live().is_some_and(|record| !record.expires_at().has_passed(state.now()));
        !alive || !state.ghost.dead.contains(session)
    })
}

fn replaced_keys_open_nothing(model: &Cloakroom, state: &State) -> bool {
    state
        .standings(model)
        .all(|(_, fate, standing)| fate == Fate::Works || standing != KeyStatus::Valid)
}

fn replaced_keys_are_signalled(model: &Cloakroom, state: &State) -> bool {
    state.standings(model).all(|(ticket, fate, standing)| {
        let Fate::Replaced { at, how } = fate else {
            return true;
        };
        let age = Duration::from_secs(state.at - at);
        let due = if !state.is_alive(ticket) {
            KeyStatus::Invalid(NoSession::Expired)
        } else if how == Retirement::Timer && age >= REUSE_AFTER {
            KeyStatus::Reused
        } else if age < SUPERSEDED_FOR {
            KeyStatus::Superseded
        } else {
            KeyStatus::Invalid(NoSession::Retired)
        };
        standing == due
    })
}

fn working_keys_open(model: &Cloakroom, state: &State) -> bool {
    state.standings(model).all(|(ticket, fate, standing)| {
        fate != Fate::Works || !state.is_alive(ticket) || standing == KeyStatus::Valid
    })
}

fn at_most_two_keys_work(model: &Cloakroom, state: &State) -> bool {
    state.store.iter().all(|(&session, entry)| {
        let live = state.standings(model).filter(|(ticket, _, standing)| {
            ticket.session() == session && *standing == KeyStatus::Valid
        });
        let renewing = entry.credentials().successor().is_some();
        live.count() <= 1 + usize::from(renewing)
    })
}

fn deadlines_hold(model: &Cloakroom, state: &State) -> bool {
    state.standings(model).all(|(ticket, _, standing)| {
        let record = state.store.get(&ticket.session()).and_then(|entry| entry.live());
        let over = record.is_some_and(|record| {
            state.now() >= record.idle_deadline() || state.now() >= record.absolute_deadline()
        });
        !over || standing != KeyStatus::Valid
    })
}

fn login_always_works(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let after = model.trial(state, Duration::ZERO, Task::Login(Who::Alice));
    after
        .opened(model)
        .and_then(Record::principal)
        .is_some_and(|who| *who == Who::Alice.principal())
}

fn nobody_is_stuck(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let after = model.trial(state, Cloakroom::PATIENCE, Task::Update);
    after.ghost.acknowledged.iter().any(|&(_, write)| write == TRIAL)
}

fn nobody_is_locked_out(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let opens = |state: &State| state.opened(model).is_some();
    opens(state) && opens(&model.trial(state, Duration::ZERO, Task::Read))
}

fn double_click_signs_in(model: &Cloakroom, state: &State) -> bool {
    let somebody = !state.ghost.owners.is_empty();
    !somebody
        || !state.requests.is_empty()
        || state.opened(model).and_then(Record::principal).is_some()
}
