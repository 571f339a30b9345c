//! The one path by which a live session is changed.

use std::mem;
use std::time::Duration;

use super::super::{CookieChange, Failure, Rules as _, Settled};
use super::session::{load_record, load_stored};
use super::write::Begin;
use super::{
    Answer, Ask, Context, Credential, Loaded, SessionState, Step, Steps, Uncertain, Written,
};
use crate::key::Key;
use crate::observe::Event;
use crate::policy::Lifetime;
use crate::protocol::NoSession;
use crate::record::{Record, Revision};
use crate::store::{IndexLogin, Outcome, StoreError, Swap};
use crate::time::Timestamp;

/// How long a writer keeps losing races before it gives up.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How many races it loses at most, however fast.
pub(super) const MAX_ATTEMPTS: u32 = 10_000;
/// How much longer than its session an entry of the principal index lasts: the write that follows
/// has this long.
pub(super) const INDEX_MARGIN: Duration = Duration::from_secs(60);

/// What a change does to a session. It plans again, on newer sessions, for every race it loses.
pub trait Plan<C: Context> {
    /// What the caller is given once the change is written.
    type Result;

    /// What to write, given the session as it is.
    ///
    /// # Errors
    /// If the change cannot be made.
    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, Self::Result>, Failure>;

    /// What to do without a session: an error, by default.
    ///
    /// # Errors
    /// If the change needs a session.
    fn begin(
        &mut self,
        context: &C,
        no_session: NoSession,
    ) -> Result<Begin<C::Value, Self::Result>, Failure> {
        let _ = context;
        Err(Failure::NoSession(no_session))
    }

    /// The session's new lifetime, if the change gives it one: its entry in the principal index is
    /// kept for as long, before the record is written.
    fn new_lifetime(&self, record: &Record) -> Option<Lifetime> {
        let _ = record;
        None
    }
}

/// What a change wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a change is written or not")]
pub enum Planned<T, R> {
    /// Nothing needs to be written.
    Keep(R),
    /// This is to be written.
    Write(Draft<T>, R),
}

/// A record to be written. Its revision is set when it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "plans make it")]
pub struct Draft<T> {
    /// The record.
    pub record: Record,
    /// The decoded value of its payload.
    pub value: Option<T>,
    /// The key that opens the session from this write on, if it changes.
    pub fresh: Option<Key>,
}

/// Changes a live session, until its write wins or its credential opens it no more.
///
/// The plan runs again for every race that is lost, on the session as the winner left it, after the
/// credential has been judged again. So a request with a superseded key writes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change<T, P, R> {
    loaded: Loaded<T>,
    plan: P,
    started: Timestamp,
    lost: u32,
    has_turn: bool,
    state: State<T, R>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T, R> {
    #[default]
    Idle,
    /// The entry in the principal index is being kept for longer.
    Reindexing,
    /// Our copy of the session is over. Only the store can confirm that: it may have been extended.
    Confirming,
    Replacing(Draft<T>, R),
    /// The write may have happened. Repeating it is safe: the revision's token tells.
    Repeating(Draft<T>, R, Uncertain),
    /// The session was not there when it was to be written.
    Rereading,
    /// A writer that has lost a race waits for the other losers of its process.
    Waiting,
}

impl<T, P, R> Change<T, P, R> {
    /// Changes `loaded` as `plan` says.
    pub fn new(loaded: Loaded<T>, plan: P) -> Self {
        let started = Timestamp::EPOCH;
        Self { loaded, plan, started, lost: 0, has_turn: false, state: State::Idle }
    }
}

impl<C: Context, P: Plan<C>> Steps<C> for Change<C::Value, P, P::Result> {
    type Outcome = Result<Written<C::Value, P::Result>, Failure>;

    fn start(&mut self, context: &C) -> Step<Self::Outcome> {
        let record = &self.loaded.record;
        let lasting = record.principal().zip(self.plan.new_lifetime(record));
        if let Some((principal, lifetime)) = lasting {
            let until = lifetime.absolute_deadline(context.now()).after(INDEX_MARGIN);
            // Neither a limit nor a time of sign-in is given, so this cannot be refused.
            let login = IndexLogin::new(principal.clone(), self.loaded.id(), until);
            self.state = State::Reindexing;
            return Step::Ask(Ask::IndexLogin(login));
        }
        self.attempt(context)
    }

    fn step(&mut self, context: &C, answer: Answer) -> Step<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            (State::Reindexing, Answer::Indexed(indexed)) => match indexed {
                Ok(_) => self.attempt(context),
                Err(error) => Step::fail(error),
            },
            (State::Confirming, Answer::Stored(Ok(stored))) => {
                match load_stored(context, &self.loaded.credential, stored) {
                    Ok(newer) => {
                        self.loaded = newer;
                        self.attempt(context)
                    }
                    Err(failure) => Step::Done(Err(failure)),
                }
            }
            (State::Replacing(draft, result), Answer::Swapped(Err(error)))
                if error.outcome() == Outcome::Unknown =>
            {
                let expected = self.loaded.record.revision();
                let ask = Ask::Replace(self.loaded.id(), expected, draft.record.clone());
                self.state = State::Repeating(draft, result, Uncertain(error));
                Step::Ask(ask)
            }
            (State::Replacing(draft, result), Answer::Swapped(swap)) => {
                self.swapped(context, draft, result, swap)
            }
            (State::Repeating(draft, result, first), Answer::Swapped(swap)) => {
                let ours = draft.record.revision();
                let swap = settled(context, self.loaded.record.revision(), ours, first, swap);
                self.swapped(context, draft, result, swap)
            }
            (State::Rereading, Answer::Stored(Ok(stored))) => {
                let newer = load_stored(context, &self.loaded.credential, stored);
                self.lost(context, newer)
            }
            (State::Confirming | State::Rereading, Answer::Stored(Err(error))) => Step::fail(error),
            (State::Waiting, Answer::Turn) => self.attempt(context),
            _ => Step::out_of_order(),
        }
    }
}

/// What the repeated write says about the first: it counts as that one.
fn settled<C: Context>(
    context: &C,
    expected: Revision,
    ours: Revision,
    first: Uncertain,
    repeated: Result<Swap, StoreError>,
) -> Result<Swap, StoreError> {
    match repeated {
        Ok(Swap::Stale(current)) => {
            match context.rules().settle(expected, ours, current.revision()) {
                Settled::Done => Ok(Swap::Done),
                Settled::Lost => Ok(Swap::Stale(current)),
                Settled::Unknown => Err(first.0),
            }
        }
        Ok(swap) => Ok(swap),
        Err(_) => Err(first.0),
    }
}

type Next<T, R> = Step<Result<Written<T, R>, Failure>>;

impl<T: Clone + PartialEq, P, R> Change<T, P, R> {
    fn attempt<C>(&mut self, context: &C) -> Next<T, R>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let (id, now) = (self.loaded.id(), context.now());
        if self.started == Timestamp::EPOCH {
            self.started = now;
        }
        if context.rules().is_over(&self.loaded.record, now) {
            self.state = State::Confirming;
            return Step::Ask(Ask::Get(id));
        }
        match self.plan.change(context, &self.loaded, now) {
            Err(failure) => Step::Done(Err(failure)),
            Ok(Planned::Keep(result)) => Step::Done(Ok(Written {
                session: SessionState::Live(self.loaded.clone()),
                cookie: CookieChange::Keep,
                result,
                changed: false,
            })),
            Ok(Planned::Write(mut draft, result)) => {
                let expected = self.loaded.record.revision();
                let revision = expected.next(context.token());
                draft.record = draft.record.edited(|fields| fields.revision = revision);
                let record = draft.record.clone();
                self.state = State::Replacing(draft, result);
                Step::Ask(Ask::Replace(id, expected, record))
            }
        }
    }

    fn swapped<C>(
        &mut self,
        context: &C,
        draft: Draft<T>,
        result: R,
        swap: Result<Swap, StoreError>,
    ) -> Next<T, R>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        match swap {
            Ok(Swap::Done) => self.written(context, draft, result),
            Ok(Swap::Stale(current)) => {
                let newer = load_record(context, &self.loaded.credential, current);
                self.lost(context, newer)
            }
            Ok(Swap::Gone) => {
                self.state = State::Rereading;
                Step::Ask(Ask::Get(self.loaded.id()))
            }
            Err(error) => Step::fail(error),
        }
    }

    fn written<C: Context<Value = T>>(
        &mut self,
        context: &C,
        draft: Draft<T>,
        result: R,
    ) -> Next<T, R> {
        let (id, lost) = (self.loaded.id(), self.lost);
        if lost > 0 {
            context.report(&Event::WriteRetried { id, lost });
        }
        let Draft { record, value, fresh } = draft;
        let (credential, cookie) = match fresh {
            None => (self.loaded.credential.clone(), CookieChange::Keep),
            Some(key) => {
                let cookie = context.rules().send(key.clone(), &record, context.now());
                (Credential::Key(key), cookie)
            }
        };
        let session = SessionState::Live(Loaded { credential, record, value });
        Step::Done(Ok(Written { session, cookie, result, changed: true }))
    }

    /// Another write came first: tries again on the session as it is now, once it is this
    /// operation's turn.
    fn lost<C>(&mut self, context: &C, newer: Result<Loaded<T>, Failure>) -> Next<T, R>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let id = self.loaded.id();
        match newer {
            Ok(newer) => self.loaded = newer,
            Err(failure) => return Step::Done(Err(failure)),
        }
        self.lost += 1;
        if self.lost == MAX_ATTEMPTS || context.now().since(self.started) >= TIME_LIMIT {
            context.report(&Event::WriteConflict { id });
            return Step::fail(Failure::Conflict);
        }
        if self.has_turn {
            return self.attempt(context);
        }
        self.has_turn = true;
        self.state = State::Waiting;
        Step::Ask(Ask::WriterTurn(id))
    }
}
