//! The one path by which a session is changed, or created to be changed.

mod begin;

use std::mem;
use std::time::Duration;

pub(super) use begin::first_cookie;

use super::super::{CookieChange, Failure, Rules as _, Settled};
use super::create::Create;
use super::session::{load_record_if, load_stored_if};
use super::{
    Answer, Ask, Context, Credential, Draft, KeptError, Loaded, Next, Plan, Planned, SessionState,
    Step, Steps,
};
use crate::key::PublicId;
use crate::observe::Event;
use crate::record::Record;
use crate::store::{IndexLogin, Outcome, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// How long a writer keeps losing races before it gives up.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How many races it loses at most, however fast.
pub(super) const MAX_ATTEMPTS: u32 = 10_000;
/// How much longer than its session an entry of the principal index lasts: the write that follows
/// has this long.
pub(super) const INDEX_MARGIN: Duration = Duration::from_secs(60);

/// Changes the request's session, until the write wins or its key opens the session no more. If
/// there is none, the change can create it.
///
/// The plan runs again for every race that is lost, on the session as the winner left it, after the
/// credential has been judged again. So a request with a superseded key writes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write<T, P, R> {
    /// The session as this operation knows it.
    session: SessionState<T>,
    plan: P,
    /// What the response does to the cookie, unless the change says otherwise.
    cookie: CookieChange,
    /// When the first and the last attempt were made.
    tried: Option<(Timestamp, Timestamp)>,
    lost: u32,
    has_turn: bool,
    /// Whether the store refused a write for its size.
    was_refused: bool,
    /// Whether the session was read from the store, or written. If not, a writer before this one
    /// is about to write it.
    is_certain: bool,
    /// The session that is being created, and what the plan returned for it.
    creating: Option<Create<T>>,
    result: Option<R>,
    state: State<T, R>,
}

/// The result of an operation that writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Written<T, R> {
    /// The session from now on.
    pub session: SessionState<T>,
    /// What the response does to the cookie.
    pub cookie: CookieChange,
    /// What the plan returned.
    pub result: R,
    /// Whether anything was written.
    pub changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T, R> {
    #[default]
    Idle,
    /// The entry in the principal index is being kept for longer.
    Reindexing,
    /// By our copy of the session there is nothing to write. Only the store can confirm that: the
    /// session may have been extended, or what is about to be written may never come to be.
    Confirming,
    Replacing(Draft<T>, R),
    /// The write may have happened. Repeating it is safe: the revision's token tells.
    Repeating(Draft<T>, R, KeptError),
    /// The session was not there when it was to be written.
    Rereading,
    /// Once a writer has lost a race, all writers of its process wait for their turns.
    Waiting,
}

impl<T, P, R> Write<T, P, R> {
    /// Makes the change that `plan` says, in a request with this session.
    pub fn new(session: SessionState<T>, plan: P) -> Self {
        Self {
            session,
            plan,
            cookie: CookieChange::Keep,
            tried: None,
            lost: 0,
            has_turn: false,
            was_refused: false,
            is_certain: true,
            creating: None,
            result: None,
            state: State::Idle,
        }
    }

    /// The same for an operation that may have its turn among the session's writers already.
    pub(super) fn with_turn(mut self, has_turn: bool) -> Self {
        self.has_turn = has_turn;
        self
    }

    pub(super) const fn has_turn(&self) -> bool {
        self.has_turn
    }

    pub(super) fn plan(&self) -> &P {
        &self.plan
    }

    pub(super) fn into_plan(self) -> P {
        self.plan
    }
}

impl<C: Context, P: Plan<C>> Steps<C> for Write<C::Value, P, P::Result> {
    type Outcome = Written<C::Value, P::Result>;

    #[inline(always)]
    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        match self.session {
            SessionState::Live(_) => self.reindex(context),
            _ => self.begin(context),
        }
    }

    #[inline(always)]
    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        if let Some(create) = &mut self.creating {
            let next = create.step(context, answer)?;
            return self.created(context, next);
        }
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        let admits = |status, record: &Record| self.plan.admits(status, record);
        match (mem::take(&mut self.state), answer) {
            (State::Replacing(draft, result), Answer::Swapped(swap)) => match swap {
                Err(error) if error.outcome() == Outcome::Unknown => {
                    let (seen, record) = (loaded.record.clone(), draft.record.clone());
                    let ask = Ask::Replace(loaded.id(), seen, record);
                    self.state = State::Repeating(draft, result, KeptError(error));
                    Ok(Step::Ask(ask))
                }
                swap => self.swapped(context, draft, result, swap),
            },
            (State::Repeating(draft, result, first), Answer::Swapped(swap)) => {
                self.repeated(context, draft, result, first, swap)
            }
            (State::Reindexing, Answer::Indexed(indexed)) => {
                let _ = indexed?;
                self.attempt(context)
            }
            (State::Confirming, Answer::Stored(stored)) => {
                let newer = load_stored_if(context, &loaded.credential, stored?, admits)?;
                (self.session, self.is_certain) = (SessionState::Live(newer), true);
                self.attempt(context)
            }
            (State::Rereading, Answer::Stored(stored)) => {
                let newer = load_stored_if(context, &loaded.credential, stored?, admits)?;
                self.lost(context, newer)
            }
            (State::Waiting, Answer::WriterTurn(left)) => {
                // What the writer before left is as fresh as can be, and saves a lost race.
                let count = loaded.record.revision().count();
                if let Some(left) = left.filter(|left| left.record.revision().count() > count) {
                    // It can be old, or never come to be: only the store refuses.
                    match load_record_if(context, &loaded.credential, left.record, admits) {
                        Ok(newer) => {
                            (self.session, self.is_certain) =
                                (SessionState::Live(newer), left.is_certain);
                        }
                        Err(failure) => {
                            self.is_certain = false;
                            return self.confirm_or(context, loaded.id(), failure);
                        }
                    }
                }
                self.attempt(context)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }
}

/// Whether the store refused the write itself. It can fit if it is made without others.
fn is_refusal(error: &StoreError) -> bool {
    error.outcome() == Outcome::NotSent
        && matches!(error.kind(), StoreErrorKind::Full | StoreErrorKind::TooLarge)
}

impl<T: Clone + PartialEq, P, R> Write<T, P, R> {
    /// Keeps the session in the principal index for as long as the change makes it last.
    #[inline(always)]
    fn reindex<C>(&mut self, context: &C) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        let lifetime = self.plan.new_lifetime();
        let Some((lifetime, principal)) = lifetime.zip(loaded.record.principal()) else {
            return self.attempt(context);
        };
        let until = lifetime.absolute_deadline(context.now()).after(INDEX_MARGIN);
        // Neither a limit nor a time of sign-in is given, so this cannot be refused.
        let login = IndexLogin::new(principal.clone(), loaded.id(), context.policy().kind, until);
        self.state = State::Reindexing;
        Ok(Step::Ask(Ask::IndexLogin(login)))
    }

    #[inline(always)]
    fn attempt<C>(&mut self, context: &C) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        let (id, now) = (loaded.id(), context.now());
        if !self.has_turn && context.has_waiting_writers(id) {
            return self.wait(id);
        }
        self.tried = Some((self.tried.map_or(now, |(first, _)| first), now));
        if context.rules().is_over(&loaded.record, now) {
            return self.confirm(id);
        }
        let planned = match self.plan.change(context, loaded, now) {
            Err(failure) => return self.confirm_or(context, id, failure),
            Ok(planned) => planned,
        };
        match planned {
            Planned::Keep(_) if !context.rules().decides_by(self.is_certain) => self.confirm(id),
            Planned::Keep(result) => {
                let session = mem::replace(&mut self.session, SessionState::Over);
                self.done(session, CookieChange::Keep, result, false)
            }
            Planned::Write(mut draft, result) => {
                let seen = loaded.record.clone();
                let revision = seen.revision().next(context.token());
                draft.record = draft.record.edited(|fields| fields.revision = revision);
                let record = draft.record.clone();
                self.state = State::Replacing(draft, result);
                Ok(Step::Ask(Ask::Replace(id, seen, record)))
            }
        }
    }

    /// What the repeated write says about the first: it counts as that one.
    fn repeated<C>(
        &mut self,
        context: &C,
        draft: Draft<T>,
        result: R,
        first: KeptError,
        repeated: Result<Swap, StoreError>,
    ) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        let (expected, ours) = (loaded.record.revision(), draft.record.revision());
        let swap = match repeated {
            Ok(Swap::Stale(current)) => {
                match context.rules().settle(expected, ours, current.revision()) {
                    Settled::Done => Ok(Swap::Done),
                    Settled::Lost => Ok(Swap::Stale(current)),
                    // It was joined to one before it that had happened already.
                    Settled::NotYet if self.lost < MAX_ATTEMPTS => {
                        self.lost += 1;
                        let (seen, record) = (loaded.record.clone(), draft.record.clone());
                        let ask = Ask::Replace(loaded.id(), seen, record);
                        self.state = State::Repeating(draft, result, first);
                        return Ok(Step::Ask(ask));
                    }
                    Settled::NotYet | Settled::Unknown => Err(first.0),
                }
            }
            Ok(Swap::Done) => Ok(Swap::Done),
            // The session ended, and whether that was before the write cannot be told any more.
            Ok(Swap::Gone) | Err(_) => Err(first.0),
        };
        self.swapped(context, draft, result, swap)
    }

    #[inline(always)]
    fn swapped<C>(
        &mut self,
        context: &C,
        draft: Draft<T>,
        result: R,
        swap: Result<Swap, StoreError>,
    ) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let session = mem::replace(&mut self.session, SessionState::Over);
        let SessionState::Live(loaded) = session else { return Err(Failure::OutOfOrder) };
        let admits = |status, record: &Record| self.plan.admits(status, record);
        if let Err(error) = &swap {
            if self.has_turn && !self.was_refused && is_refusal(error) {
                // One that was joined to it may be too large: tries once more, alone.
                self.was_refused = true;
                let id = loaded.id();
                (self.session, self.state) = (SessionState::Live(loaded), State::Rereading);
                return Ok(Step::Ask(Ask::Get(id)));
            }
        }
        match swap? {
            Swap::Done => self.written(context, loaded, draft, result),
            Swap::Stale(current) => {
                let newer = load_record_if(context, &loaded.credential, current, admits)?;
                self.lost(context, newer)
            }
            Swap::Gone => {
                let id = loaded.id();
                (self.session, self.state) = (SessionState::Live(loaded), State::Rereading);
                Ok(Step::Ask(Ask::Get(id)))
            }
        }
    }

    #[inline(always)]
    fn written<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        draft: Draft<T>,
        result: R,
    ) -> Next<Written<T, R>> {
        if self.lost > 0 {
            context.report(&Event::WriteRetried { id: loaded.id(), lost: self.lost });
        }
        let Draft { record, value, fresh } = draft;
        let (credential, cookie) = match fresh {
            None => (loaded.credential, CookieChange::Keep),
            Some(key) => {
                let cookie = context.rules().send(key.clone(), &record, context.now());
                (Credential::Key(key), cookie)
            }
        };
        let session = SessionState::Live(Loaded { credential, record, value });
        self.done(session, cookie, result, true)
    }

    #[inline(always)]
    fn done(
        &mut self,
        session: SessionState<T>,
        cookie: CookieChange,
        result: R,
        changed: bool,
    ) -> Next<Written<T, R>> {
        let cookie = match cookie {
            CookieChange::Keep => mem::take(&mut self.cookie),
            cookie => cookie,
        };
        Ok(Step::Done(Written { session, cookie, result, changed }))
    }

    /// Another write came first: tries again on the session as it is now, once it is this
    /// operation's turn.
    fn lost<C>(&mut self, context: &C, newer: Loaded<T>) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let id = newer.id();
        (self.session, self.is_certain) = (SessionState::Live(newer), true);
        self.lost += 1;
        // Not by how long the last attempt took: one slow answer is not a series of lost races.
        let is_late = self.tried.is_some_and(|(first, last)| last.since(first) >= TIME_LIMIT);
        if self.lost == MAX_ATTEMPTS || is_late {
            context.report(&Event::WriteConflict { id });
            return Err(Failure::Conflict);
        }
        self.wait(id)
    }

    /// Reads the session before something is decided by it that no write will put to the test.
    fn confirm(&mut self, id: PublicId) -> Next<Written<T, R>> {
        self.state = State::Confirming;
        Ok(Step::Ask(Ask::Get(id)))
    }

    /// Fails, unless what says so may never come to be.
    fn confirm_or<C>(&mut self, context: &C, id: PublicId, why: Failure) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
    {
        if context.rules().decides_by(self.is_certain) { Err(why) } else { self.confirm(id) }
    }

    /// Waits for a turn among the writers of this process.
    fn wait(&mut self, id: PublicId) -> Next<Written<T, R>> {
        self.has_turn = true;
        self.state = State::Waiting;
        Ok(Step::Ask(Ask::WriterTurn(id)))
    }
}
