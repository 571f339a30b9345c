//! What must hold in every reachable state.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::protocol::{KeyStatus, NoSession, REUSE_AFTER, SUPERSEDED_FOR};
use cloakroom::record::Record;
use cloakroom::record::Retirement;
use stateright::Property;

use crate::model::{Cloakroom, TRIAL, moment};
use crate::model_key::{ModelKey, writes};
use crate::state::{Browser, KeyFate, State, Task, Who};

/// A law of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Law {
    AcknowledgedWritesStay,
    WritesHappenOnce,
    NothingRevives,
    OnlyWorkingKeysWrite,
    RetiredKeysOpenNothing,
    RetiredKeysAreRecognized,
    WorkingKeysOpen,
    AtMostTwoKeysWork,
    OneSuccessor,
    BookkeepingKeepsTheValue,
    DeadlinesHold,
    CookieOutlivesRecord,
    OnePrincipal,
    SupersededBeginsNothing,
    LoginAlwaysWorks,
    NoOneIsStuck,
    NoOneIsLockedOut,
    PromptRequestsOpen,
    DoubleClickSignsIn,
}

/// The laws that always hold.
pub(crate) const ALWAYS: &[Law] = &[
    Law::AcknowledgedWritesStay,
    Law::WritesHappenOnce,
    Law::NothingRevives,
    Law::OnlyWorkingKeysWrite,
    Law::RetiredKeysOpenNothing,
    Law::RetiredKeysAreRecognized,
    Law::WorkingKeysOpen,
    Law::AtMostTwoKeysWork,
    Law::OneSuccessor,
    Law::BookkeepingKeepsTheValue,
    Law::DeadlinesHold,
    Law::CookieOutlivesRecord,
    Law::OnePrincipal,
    Law::SupersededBeginsNothing,
    Law::LoginAlwaysWorks,
    Law::NoOneIsStuck,
];

/// [`ALWAYS`], and what a single browser can rely on while no one signs in or out and no deadline
/// passes, whatever the network does.
pub(crate) const SOLE_BROWSER: &[Law] = &[Law::NoOneIsLockedOut, Law::PromptRequestsOpen];

/// [`ALWAYS`], and what a browser that signs in as one principal can rely on over a network that
/// loses nothing.
pub(crate) const DOUBLE_CLICK: &[Law] = &[Law::DoubleClickSignsIn];

impl Law {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AcknowledgedWritesStay => "no acknowledged write is lost",
            Self::WritesHappenOnce => "no write happens twice",
            Self::NothingRevives => "nothing comes back from the dead",
            Self::OnlyWorkingKeysWrite => "only a working key writes",
            Self::RetiredKeysOpenNothing => "a retired key opens nothing",
            Self::RetiredKeysAreRecognized => "a retired key is recognized, later as reuse",
            Self::WorkingKeysOpen => "a working key opens its session",
            Self::AtMostTwoKeysWork => "at most two keys work, one after a sign-in",
            Self::OneSuccessor => "all holders of a key are sent the same successor",
            Self::BookkeepingKeepsTheValue => "touches and renewals leave the value alone",
            Self::DeadlinesHold => "nothing opens past its deadlines",
            Self::CookieOutlivesRecord => "a cookie never ends before its record",
            Self::OnePrincipal => "a session never passes to another principal",
            Self::SupersededBeginsNothing => "a superseded key begins nothing",
            Self::LoginAlwaysWorks => "one undisturbed sign-in works, from any state",
            Self::NoOneIsStuck => "after a minute a first write works, from any state",
            Self::NoOneIsLockedOut => "the network alone locks no one out",
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
            Self::RetiredKeysOpenNothing => Property::always(name, replaced_keys_open_nothing),
            Self::RetiredKeysAreRecognized => Property::always(name, replaced_keys_are_signalled),
            Self::WorkingKeysOpen => Property::always(name, working_keys_open),
            Self::AtMostTwoKeysWork => Property::always(name, at_most_two_keys_work),
            Self::DeadlinesHold => Property::always(name, |model: &Cloakroom, state: &State| {
                state.kept(Self::DeadlinesHold) && deadlines_hold(model, state)
            }),
            Self::LoginAlwaysWorks => Property::always(name, login_always_works),
            Self::NoOneIsStuck => Property::always(name, no_one_is_stuck),
            Self::NoOneIsLockedOut => Property::always(name, no_one_is_locked_out),
            Self::DoubleClickSignsIn => Property::always(name, double_click_signs_in),
            // Laws about steps are recorded by the step that breaks one.
            Self::OnlyWorkingKeysWrite => {
                Property::always(name, |_, state: &State| state.kept(Self::OnlyWorkingKeysWrite))
            }
            Self::OneSuccessor => {
                Property::always(name, |_, state: &State| state.kept(Self::OneSuccessor))
            }
            Self::BookkeepingKeepsTheValue => Property::always(name, |_, state: &State| {
                state.kept(Self::BookkeepingKeepsTheValue)
            }),
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

/// The laws that always hold, and these.
pub(crate) fn properties(more: &[Law]) -> Vec<Property<Cloakroom>> {
    ALWAYS.iter().chain(more).map(|law| law.property()).collect()
}

impl State {
    fn now(&self) -> Timestamp {
        moment(self.at)
    }

    fn kept(&self, law: Law) -> bool {
        !self.shadow.broken.contains(&law)
    }

    /// The status of every key ever issued for a live record.
    fn standings<'a>(
        &'a self,
        model: &'a Cloakroom,
    ) -> impl Iterator<Item = (&'a ModelKey, KeyFate, KeyStatus)> + 'a {
        self.shadow.secrets.iter().filter_map(|(model_key, &fate)| {
            let record = self.store.get(&model_key.session())?.live()?;
            Some((model_key, fate, model.decisions.judge(record, model_key.verifier(), self.now())))
        })
    }

    /// Whether the session has neither ended nor reached a deadline.
    fn is_alive(&self, model_key: &ModelKey) -> bool {
        !self.shadow.dead.contains(&model_key.session())
    }

    /// The record that the owner's cookie opens.
    fn opened<'a>(&'a self, model: &Cloakroom) -> Option<&'a Record> {
        let model_key = self.jar(Browser::Owner)?;
        let record = self.store.get(&model_key.session())?.live()?;
        let standing = model.decisions.judge(record, model_key.verifier(), self.now());
        (standing == KeyStatus::Valid).then_some(record)
    }
}

fn acknowledged_writes_stay(state: &State) -> bool {
    state.shadow.acknowledged.iter().all(|(session, write)| {
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
        !alive || !state.shadow.dead.contains(session)
    })
}

fn replaced_keys_open_nothing(model: &Cloakroom, state: &State) -> bool {
    state
        .standings(model)
        .all(|(_, fate, standing)| fate == KeyFate::Works || standing != KeyStatus::Valid)
}

fn replaced_keys_are_signalled(model: &Cloakroom, state: &State) -> bool {
    state.standings(model).all(|(model_key, fate, standing)| {
        let KeyFate::Replaced { at, how } = fate else {
            return true;
        };
        let age = Duration::from_secs(state.at - at);
        let due = if !state.is_alive(model_key) {
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
    state.standings(model).all(|(model_key, fate, standing)| {
        fate != KeyFate::Works || !state.is_alive(model_key) || standing == KeyStatus::Valid
    })
}

fn at_most_two_keys_work(model: &Cloakroom, state: &State) -> bool {
    state.store.iter().all(|(&session, entry)| {
        let live = state.standings(model).filter(|(model_key, _, standing)| {
            model_key.session() == session && *standing == KeyStatus::Valid
        });
        let renewing = entry.credentials().successor().is_some();
        live.count() <= 1 + usize::from(renewing)
    })
}

fn deadlines_hold(model: &Cloakroom, state: &State) -> bool {
    state.standings(model).all(|(model_key, _, standing)| {
        let record = state.store.get(&model_key.session()).and_then(|entry| entry.live());
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

fn no_one_is_stuck(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let after = model.trial(state, Cloakroom::SUPERSEDED, Task::Update);
    after.shadow.acknowledged.iter().any(|&(_, write)| write == TRIAL)
}

fn no_one_is_locked_out(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let opens = |state: &State| state.opened(model).is_some();
    opens(state) && opens(&model.trial(state, Duration::ZERO, Task::Read))
}

fn double_click_signs_in(model: &Cloakroom, state: &State) -> bool {
    let is_owned = !state.shadow.owners.is_empty();
    !is_owned
        || !state.requests.is_empty()
        || state.opened(model).and_then(Record::principal).is_some()
}
