//! A session that was opened before, as it is now.

use std::mem;

use super::super::{Failure, KeyStatus, Rules as _};
use super::reservation::index_login;
use super::session::{judge_credential, load_record, load_stored};
use super::write::INDEX_MARGIN;
use super::{Answer, Ask, Context, Credential, Loaded, Next, Step, Steps};
use crate::store::{Indexed, Lookup};
use crate::time::Timestamp;

/// Reads a session again, by what it was opened with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reload<T> {
    credential: Credential,
    may_be_cached: bool,
    is_use: bool,
    checks_revocation: bool,
    state: State<T>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T> {
    #[default]
    Idle,
    LookingUp,
    Reading,
    Touching(Loaded<T>, Timestamp),
    /// The use could not be recorded: the session may have changed or ended since it was cached.
    ReadingAgain,
    /// Is the sign-in older than a revocation that has not reached the session yet?
    Checking(Loaded<T>),
}

impl<T> Reload<T> {
    /// Asks the store itself.
    pub fn from_store(credential: Credential) -> Self {
        let (may_be_cached, is_use, checks_revocation) = (false, false, false);
        Self { credential, may_be_cached, is_use, checks_revocation, state: State::Idle }
    }

    /// Asks the store or its cache.
    pub fn from_cache(credential: Credential) -> Self {
        Self { may_be_cached: true, ..Self::from_store(credential) }
    }

    /// Records a use of the session, if the last one was recorded long enough ago.
    #[must_use = "the changed operation is returned"]
    pub fn as_use(self) -> Self {
        Self { is_use: true, ..self }
    }

    /// Fails if the principal's sessions were revoked after this one's sign-in, even if that has
    /// not ended it yet.
    #[must_use = "the changed operation is returned"]
    pub fn checking_revocation(self) -> Self {
        Self { checks_revocation: true, ..self }
    }
}

impl<C: Context> Steps<C> for Reload<C::Value> {
    type Outcome = Loaded<C::Value>;

    fn start(&mut self, _: &C) -> Next<Self::Outcome> {
        let id = self.credential.id();
        if self.may_be_cached {
            self.state = State::LookingUp;
            return Ok(Step::Ask(Ask::GetCached(id)));
        }
        self.state = State::Reading;
        Ok(Step::Ask(Ask::Get(id)))
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            // A cache's copy can confirm a session, but only the store can deny it.
            (State::LookingUp, Answer::Lookup(found)) => match found? {
                Lookup::Cached(record)
                    if judge_credential(context, &self.credential, &record) == KeyStatus::Valid =>
                {
                    let loaded = load_record(context, &self.credential, record)?;
                    self.loaded(context, loaded)
                }
                Lookup::Cached(_) => {
                    self.state = State::Reading;
                    Ok(Step::Ask(Ask::Get(self.credential.id())))
                }
                Lookup::Authoritative(stored) => {
                    let loaded = load_stored(context, &self.credential, stored)?;
                    self.loaded(context, loaded)
                }
            },
            (State::Reading, Answer::Stored(stored)) => {
                let loaded = load_stored(context, &self.credential, stored?)?;
                self.loaded(context, loaded)
            }
            (State::Touching(loaded, deadline), Answer::Touched(touched)) => match touched {
                Ok(true) => {
                    let record = loaded.record.with_idle_deadline(deadline);
                    Ok(Step::Done(Loaded { record, ..loaded }))
                }
                Ok(false) => {
                    self.state = State::ReadingAgain;
                    Ok(Step::Ask(Ask::Get(self.credential.id())))
                }
                Err(_) => Ok(Step::Done(loaded)),
            },
            (State::ReadingAgain, Answer::Stored(stored)) => {
                Ok(Step::Done(load_stored(context, &self.credential, stored?)?))
            }
            (State::Checking(loaded), Answer::Indexed(indexed)) => match indexed? {
                Indexed::Revoked => Err(Failure::LoginRevoked),
                Indexed::Done | Indexed::Full(_) => Ok(Step::Done(loaded)),
            },
            _ => Err(Failure::OutOfOrder),
        }
    }
}

impl<T: Clone + PartialEq> Reload<T> {
    fn loaded<C: Context<Value = T>>(&mut self, context: &C, loaded: Loaded<T>) -> Next<Loaded<T>> {
        if self.checks_revocation {
            return self.check(context, loaded);
        }
        let now = context.now();
        let touch = context.rules().touch_due(&loaded.record, now);
        let Some(deadline) = touch.filter(|_| self.is_use) else { return Ok(Step::Done(loaded)) };
        let ask = Ask::Touch(loaded.id(), loaded.record.revision(), deadline);
        self.state = State::Touching(loaded, deadline);
        Ok(Step::Ask(ask))
    }

    /// Asks whether the session's sign-in is older than a revocation.
    fn check<C: Context<Value = T>>(&mut self, context: &C, loaded: Loaded<T>) -> Next<Loaded<T>> {
        let Some(principal) = loaded.record.principal() else { return Ok(Step::Done(loaded)) };
        let until = loaded.record.absolute_deadline().after(INDEX_MARGIN);
        let at = loaded.record.authenticated_at().unwrap_or(Timestamp::EPOCH);
        // Under the limit it enters no session that is not in the index.
        let login = index_login(context, principal.clone(), loaded.id(), until, at);
        self.state = State::Checking(loaded);
        Ok(Step::Ask(Ask::IndexLogin(login)))
    }
}
