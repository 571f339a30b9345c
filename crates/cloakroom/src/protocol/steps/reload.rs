//! A session that was opened before, as it is now.

use std::mem;

use super::super::{Failure, KeyStatus, Rules as _};
use super::session::{judge_credential, load_record, load_stored};
use super::{Answer, Ask, Context, Credential, Loaded, Step, Steps};
use crate::record::Stored;
use crate::store::{Lookup, StoreError};
use crate::time::Timestamp;

/// Reads a session again, by what it was opened with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reload<T> {
    credential: Credential,
    may_be_cached: bool,
    is_use: bool,
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
}

impl<T> Reload<T> {
    /// Asks the store itself.
    pub fn from_store(credential: Credential) -> Self {
        Self { credential, may_be_cached: false, is_use: false, state: State::Idle }
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
}

impl<C: Context> Steps<C> for Reload<C::Value> {
    type Outcome = Result<Loaded<C::Value>, Failure>;

    fn start(&mut self, _: &C) -> Step<Self::Outcome> {
        let id = self.credential.id();
        if self.may_be_cached {
            self.state = State::LookingUp;
            return Step::Ask(Ask::GetCached(id));
        }
        self.state = State::Reading;
        Step::Ask(Ask::Get(id))
    }

    fn step(&mut self, context: &C, answer: Answer) -> Step<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            // A cache's copy can confirm a session, but only the store can deny it.
            (State::LookingUp, Answer::Lookup(Ok(Lookup::Cached(record)))) => {
                if judge_credential(context, &self.credential, &record) == KeyStatus::Valid {
                    let loaded = load_record(context, &self.credential, record);
                    return self.loaded(context, loaded);
                }
                self.state = State::Reading;
                Step::Ask(Ask::Get(self.credential.id()))
            }
            (State::LookingUp, Answer::Lookup(Ok(Lookup::Authoritative(stored)))) => {
                self.read(context, Ok(stored))
            }
            (State::LookingUp, Answer::Lookup(Err(error))) => Step::fail(error),
            (State::Reading, Answer::Stored(stored)) => self.read(context, stored),
            (State::Touching(loaded, deadline), Answer::Touched(touched)) => match touched {
                Ok(true) => {
                    let record = loaded.record.with_idle_deadline(deadline);
                    Step::Done(Ok(Loaded { record, ..loaded }))
                }
                Ok(false) => {
                    self.state = State::ReadingAgain;
                    Step::Ask(Ask::Get(self.credential.id()))
                }
                Err(_) => Step::Done(Ok(loaded)),
            },
            (State::ReadingAgain, Answer::Stored(stored)) => match stored {
                Ok(stored) => Step::Done(load_stored(context, &self.credential, stored)),
                Err(error) => Step::fail(error),
            },
            _ => Step::out_of_order(),
        }
    }
}

impl<T: Clone + PartialEq> Reload<T> {
    fn read<C: Context<Value = T>>(
        &mut self,
        context: &C,
        stored: Result<Option<Stored>, StoreError>,
    ) -> Step<Result<Loaded<T>, Failure>> {
        match stored {
            Ok(stored) => {
                let loaded = load_stored(context, &self.credential, stored);
                self.loaded(context, loaded)
            }
            Err(error) => Step::fail(error),
        }
    }

    fn loaded<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Result<Loaded<T>, Failure>,
    ) -> Step<Result<Loaded<T>, Failure>> {
        let loaded = match loaded {
            Ok(loaded) if self.is_use => loaded,
            loaded => return Step::Done(loaded),
        };
        let Some(deadline) = context.rules().touch_due(&loaded.record, context.now()) else {
            return Step::Done(Ok(loaded));
        };
        let ask = Ask::Touch(loaded.id(), loaded.record.revision(), deadline);
        self.state = State::Touching(loaded, deadline);
        Step::Ask(ask)
    }
}
