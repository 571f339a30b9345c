//! The laws about states, and about one more request in each.

use std::time::Duration;

use cloakroom::protocol::{
    CLOCK_SLACK, KeyStatus, NoSession, REUSE_AFTER, SUPERSEDED_FOR, TOMBSTONE_LIFE,
};
use cloakroom::record::{Record, Retirement, Stored};
use cloakroom::{Principal, Timestamp};

use super::Law;
use crate::entry::{Entry, writes};
use crate::model::{Cloakroom, TRIAL};
use crate::model_key::{ModelKey, session_id};
use crate::state::{Client, KeyFate, State, Task, Who};

impl State {
    fn live(&self) -> impl Iterator<Item = (u8, &Record)> {
        let records = self.store.entries.iter();
        records.filter_map(|(session, entry)| Some((*session, entry.live()?)))
    }

    /// The records that have not reached a deadline.
    fn current(&self) -> impl Iterator<Item = (u8, &Record)> {
        self.live().filter(|(_, record)| !record.expires_at().has_passed(self.now()))
    }

    fn status(&self, model: &Cloakroom, key: &ModelKey, record: &Record) -> KeyStatus {
        model.rules.judge(record, key.verifier(), REUSE_AFTER, self.now())
    }

    /// The status of every key ever issued for a live record.
    fn statuses<'a>(
        &'a self,
        model: &'a Cloakroom,
    ) -> impl Iterator<Item = (&'a ModelKey, KeyFate, KeyStatus)> + 'a {
        self.shadow.keys.iter().filter_map(|(key, &fate)| {
            let record = self.store.entries.get(&key.session())?.live()?;
            Some((key, fate, self.status(model, key, record)))
        })
    }

    /// The record that the owner's keys open.
    fn opened(&self, model: &Cloakroom) -> Option<&Record> {
        let presented = self.jar(Client::Owner).present().keys;
        let is_readable = |key: &&ModelKey| self.store.damaged != Some(key.session());
        let mut records = presented.iter().filter(is_readable).filter_map(|key| {
            let record = self.store.entries.get(&key.session())?.live()?;
            (self.status(model, key, record) == KeyStatus::Valid).then_some(record)
        });
        records.next()
    }

    fn until(&self, principal: &Principal, session: u8) -> Option<Timestamp> {
        self.store.index.get(principal)?.get(&session_id(session)).copied()
    }
}

pub(super) fn acknowledged_writes_stay(_: &Cloakroom, state: &State) -> bool {
    state.shadow.acknowledged.iter().all(|(session, write)| {
        match state.store.entries.get(session).map(Entry::stored) {
            Some(Stored::Live(record)) => writes(record).contains(write),
            Some(Stored::Ended(_)) => true,
            None => state.shadow.dead.contains(session),
        }
    })
}

pub(super) fn writes_happen_once(_: &Cloakroom, state: &State) -> bool {
    state.live().all(|(_, record)| writes(record).windows(2).all(|pair| pair[0] < pair[1]))
}

pub(super) fn nothing_revives(_: &Cloakroom, state: &State) -> bool {
    state.current().all(|(session, _)| !state.shadow.dead.contains(&session))
}

pub(super) fn retired_keys_open_nothing(model: &Cloakroom, state: &State) -> bool {
    let mut statuses = state.statuses(model);
    statuses.all(|(_, fate, status)| fate == KeyFate::Works || status != KeyStatus::Valid)
}

pub(super) fn retired_keys_are_recognized(model: &Cloakroom, state: &State) -> bool {
    state.statuses(model).all(|(key, fate, status)| {
        let KeyFate::Replaced { at, how, .. } = fate else { return true };
        let age = Duration::from_secs(state.at - at);
        let due = if state.shadow.dead.contains(&key.session()) {
            KeyStatus::Invalid(NoSession::Expired)
        } else if how == Retirement::Timer && age >= REUSE_AFTER + CLOCK_SLACK {
            KeyStatus::Reused
        } else if age < SUPERSEDED_FOR {
            KeyStatus::Superseded
        } else {
            KeyStatus::Invalid(NoSession::Retired)
        };
        status == due
    })
}

/// Even if the clock was set back.
pub(super) fn superseded_keys_retire(model: &Cloakroom, state: &State) -> bool {
    state.statuses(model).all(|(_, fate, status)| {
        let KeyFate::Replaced { at, .. } = fate else { return true };
        let age = Duration::from_secs(state.at - at);
        status != KeyStatus::Superseded || age < SUPERSEDED_FOR + CLOCK_SLACK
    })
}

pub(super) fn working_keys_open(model: &Cloakroom, state: &State) -> bool {
    let mut statuses = state.statuses(model);
    statuses.all(|(key, _, status)| !state.works(key) || status == KeyStatus::Valid)
}

pub(super) fn at_most_two_keys_work(model: &Cloakroom, state: &State) -> bool {
    state.live().all(|(session, record)| {
        let valid = state
            .statuses(model)
            .filter(|(key, _, status)| key.session() == session && *status == KeyStatus::Valid);
        valid.count() <= 1 + usize::from(record.credentials().successor().is_some())
    })
}

pub(super) fn deadlines_hold(model: &Cloakroom, state: &State) -> bool {
    let are_shut = state.live().all(|(session, record)| {
        let is_over =
            state.now() >= record.idle_deadline() || state.now() >= record.absolute_deadline();
        let mut keys = state.shadow.keys.keys().filter(|key| key.session() == session);
        !is_over || keys.all(|key| state.status(model, key, record) != KeyStatus::Valid)
    });
    are_shut && !state.shadow.broken.contains(&Law::DeadlinesHold)
}

pub(super) fn tombstones_stay(_: &Cloakroom, state: &State) -> bool {
    state.store.entries.values().all(|entry| match entry.stored() {
        Stored::Live(_) => true,
        Stored::Ended(tombstone) => {
            let ending = tombstone.ending();
            ending.keep_until().since(ending.at()) >= TOMBSTONE_LIFE
        }
    })
}

pub(super) fn signed_in_is_listed(_: &Cloakroom, state: &State) -> bool {
    state.current().all(|(session, record)| {
        record.principal().is_none_or(|principal| {
            state.until(principal, session) >= Some(record.absolute_deadline())
        })
    })
}

pub(super) fn answered_is_listed(_: &Cloakroom, state: &State) -> bool {
    let mut answered =
        state.current().filter(|(session, _)| state.shadow.signed_in.contains(session));
    answered.all(|(session, record)| {
        record.principal().is_none_or(|principal| state.until(principal, session).is_some())
    })
}

pub(super) fn limit_holds(model: &Cloakroom, state: &State) -> bool {
    let Some(limit) = model.scenario.limit else { return true };
    [Who::Alice, Who::Bob].into_iter().all(|who| {
        let answered = state.current().filter(|(session, record)| {
            state.shadow.signed_in.contains(session) && record.principal() == Some(&who.principal())
        });
        answered.count() <= usize::from(limit.max())
    })
}

pub(super) fn revocation_holds(_: &Cloakroom, state: &State) -> bool {
    state.shadow.revoked.iter().all(|(principal, before)| {
        let mut earlier = state.current().filter(|(session, record)| {
            state.shadow.signed_in.contains(session)
                && record.principal() == Some(principal)
                && record.authenticated_at().is_some_and(|at| at < *before)
        });
        earlier.next().is_none()
    })
}

pub(super) fn login_always_works(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let after = model.trial(state, Duration::ZERO, Task::Login(Who::Alice));
    let who = after.opened(model).and_then(Record::principal);
    who.is_some_and(|who| *who == Who::Alice.principal())
}

/// What the owner wrote to sessions that are still live is there after they have signed in.
pub(super) fn login_finds_the_data(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    finds_the_data(model, &model.trial(state, Duration::ZERO, Task::Login(Who::Alice)))
}

pub(super) fn double_click_keeps_the_data(model: &Cloakroom, state: &State) -> bool {
    let is_owned = !state.shadow.owners.is_empty();
    !is_owned || !state.requests.is_empty() || finds_the_data(model, state)
}

/// Whether the owner's keys open everything that was written to the first session and to those that
/// someone has signed in on, unless that session is over.
fn finds_the_data(model: &Cloakroom, state: &State) -> bool {
    let found = state.opened(model).map_or_else(Vec::new, writes);
    let shadow = &state.shadow;
    let counts = |session: &u8| {
        let is_known = *session == 0 || shadow.owners.contains_key(session);
        is_known && !shadow.dead.contains(session)
    };
    let mut written = shadow.acknowledged.iter().filter(|(session, _)| counts(session));
    written.all(|(_, write)| found.contains(write))
}

pub(super) fn no_one_is_stuck(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let after = model.trial(state, SUPERSEDED_FOR, Task::Append);
    after.shadow.acknowledged.iter().any(|&(_, write)| write == TRIAL)
}

pub(super) fn no_one_is_locked_out(model: &Cloakroom, state: &State) -> bool {
    if !model.is_worth_a_trial(state) {
        return true;
    }
    let opens = |state: &State| state.opened(model).is_some();
    opens(state) && opens(&model.trial(state, Duration::ZERO, Task::Read))
}

pub(super) fn double_click_signs_in(model: &Cloakroom, state: &State) -> bool {
    state.shadow.owners.is_empty()
        || !state.requests.is_empty()
        || state.opened(model).and_then(Record::principal).is_some()
}
