//! The end of a session.

use std::mem;

use super::super::{CookieChange, Failure, KeyStatus, NoSession, Rules as _};
use super::session::{judge_credential, refusal};
use super::write::MAX_ATTEMPTS;
use super::{
    Answer, Ask, Context, Credential, FormerKey, Next, OtherSession, SessionState, Step, Steps,
    Written,
};
use crate::key::{Carrier, Key, PublicId};
use crate::observe::Event;
use crate::policy::Principal;
use crate::record::{EndReason, Record, Revision, Stored};
use crate::store::{Ended, StoreError, Swap};

/// Ends the session of a request, unless its key has been replaced since, and before it all others
/// that the request's keys open.
///
/// A session that is gone or has ended counts as success.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End<T> {
    session: SessionState<T>,
    others: Vec<OtherSession>,
    after: SessionState<T>,
    cause: Cause,
    /// Whether one of the keys is in a cookie.
    has_cookie: bool,
    attempts: u32,
    /// Whether one of the other sessions has been ended.
    has_begun: bool,
    state: State,
}

/// What a session is ended for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Cause {
    Reason(EndReason),
    /// This principal has signed in, with another of the request's keys.
    SignIn(Principal),
}

impl Cause {
    /// The reason that holds for the session with this record.
    fn reason(&self, record: &Record) -> EndReason {
        match self {
            Self::Reason(reason) => *reason,
            Self::SignIn(new) => match record.principal() {
                Some(other) if other != new => EndReason::SignedInAsAnother,
                _ => EndReason::Ended,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State {
    #[default]
    Idle,
    /// The store did not answer for this one when the request's session was opened.
    ReadingOther(OtherSession),
    EndingOther(OtherSession, EndReason),
    Ending,
}

impl<T> End<T> {
    /// Ends `session`, in whose request nothing more can be written, and `others`.
    pub fn for_good(session: SessionState<T>, others: Vec<OtherSession>) -> Self {
        Self::new(session, others, Cause::Reason(EndReason::Ended), SessionState::Over)
    }

    /// Signs out of `session` and `others`. The request can begin another.
    pub fn logout(session: SessionState<T>, others: Vec<OtherSession>) -> Self {
        let reason = EndReason::SignedOut;
        let after = SessionState::Absent(NoSession::Ended(reason));
        Self::new(session, others, Cause::Reason(reason), after)
    }

    /// Ends `others` only: this principal has signed in on another session.
    pub fn others(others: Vec<OtherSession>, principal: Principal) -> Self {
        let none = || SessionState::Absent(NoSession::NoKey);
        Self::new(none(), others, Cause::SignIn(principal), none())
    }

    fn new(
        session: SessionState<T>,
        others: Vec<OtherSession>,
        cause: Cause,
        after: SessionState<T>,
    ) -> Self {
        let is_cookie = |key: &Key| key.carrier() == Carrier::Cookie;
        let has_cookie = others.iter().any(|other| is_cookie(&other.key))
            || match &session {
                SessionState::Live(loaded) => loaded.key().is_none_or(is_cookie),
                _ => true,
            };
        let (attempts, has_begun, state) = (0, false, State::Idle);
        Self { session, others, after, cause, has_cookie, attempts, has_begun, state }
    }
}

impl<C: Context> Steps<C> for End<C::Value> {
    type Outcome = Written<C::Value, ()>;

    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        self.go_on(context)
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        let has_begun = self.has_begun;
        let next = self.advance(context, answer);
        next.map_err(|failure| if has_begun { failure.of_unknown_outcome() } else { failure })
    }
}

impl<T> End<T> {
    fn advance<C: Context<Value = T>>(
        &mut self,
        context: &C,
        answer: Answer,
    ) -> Next<Written<T, ()>> {
        match (mem::take(&mut self.state), answer) {
            (State::ReadingOther(other), Answer::Stored(stored)) => match stored? {
                Some(Stored::Live(record)) => self.end_other_if_open(context, other, record),
                Some(Stored::Ended(_)) | None => self.go_on(context),
            },
            (State::EndingOther(other, reason), Answer::Swapped(swap)) => {
                self.ended_other(context, other, reason, swap?)
            }
            (State::Ending, Answer::Swapped(swap)) => self.ended(context, swap?),
            _ => Err(Failure::OutOfOrder),
        }
    }

    /// Ends the next of the other sessions, or the session itself.
    fn go_on<C: Context<Value = T>>(&mut self, context: &C) -> Next<Written<T, ()>> {
        match self.others.pop() {
            Some(other) => self.end_other(context, other),
            None => self.end(context),
        }
    }

    fn end_other<C: Context<Value = T>>(
        &mut self,
        context: &C,
        other: OtherSession,
    ) -> Next<Written<T, ()>> {
        let id = other.key.id();
        let Some(record) = &other.record else {
            self.state = State::ReadingOther(other);
            return Ok(Step::Ask(Ask::Get(id)));
        };
        let (revision, reason) = (record.revision(), self.cause.reason(record));
        let ending = context.rules().end(reason, context.now());
        self.state = State::EndingOther(other, reason);
        Ok(Step::Ask(Ask::EndIf(id, revision, ending)))
    }

    /// Ends another session as it is now, if the request's key still opens it.
    fn end_other_if_open<C: Context<Value = T>>(
        &mut self,
        context: &C,
        other: OtherSession,
        record: Record,
    ) -> Next<Written<T, ()>> {
        let credential = Credential::Key(other.key.clone());
        if judge_credential(context, &credential, &record) != KeyStatus::Valid {
            return self.go_on(context);
        }
        self.count_attempt()?;
        self.end_other(context, OtherSession { record: Some(record), ..other })
    }

    fn ended_other<C: Context<Value = T>>(
        &mut self,
        context: &C,
        other: OtherSession,
        reason: EndReason,
        swap: Swap,
    ) -> Next<Written<T, ()>> {
        match swap {
            Swap::Done => {
                self.has_begun = true;
                context.report(&Event::Ended { id: other.key.id(), reason });
            }
            Swap::Gone => {}
            Swap::Stale(record) => return self.end_other_if_open(context, other, record),
        }
        self.go_on(context)
    }

    /// Ends the session itself.
    fn end<C: Context<Value = T>>(&mut self, context: &C) -> Next<Written<T, ()>> {
        let loaded = match &self.session {
            SessionState::Live(loaded) => loaded,
            SessionState::Absent(NoSession::NoKey) => {
                return self.finish(context, CookieChange::Keep, false);
            }
            SessionState::Over
            // Nothing opens it but a proof, and without its cookies the browser forgets it.
            | SessionState::Absent(NoSession::ProofNeeded)
            | SessionState::Former(FormerKey { why: NoSession::ProofNeeded, .. }) => {
                return self.finish(context, CookieChange::Remove, false);
            }
            session => {
                session.may_begin(context)?;
                return self.finish(context, CookieChange::Remove, false);
            }
        };
        let revision = loaded.record.revision();
        self.end_if(context, revision)
    }

    fn end_if<C: Context<Value = T>>(
        &mut self,
        context: &C,
        revision: Revision,
    ) -> Next<Written<T, ()>> {
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        let reason = self.cause.reason(&loaded.record);
        let ending = context.rules().end(reason, context.now());
        self.state = State::Ending;
        Ok(Step::Ask(Ask::EndIf(loaded.id(), revision, ending)))
    }

    fn ended<C: Context<Value = T>>(&mut self, context: &C, swap: Swap) -> Next<Written<T, ()>> {
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        let cookie = if self.has_cookie { CookieChange::Remove } else { CookieChange::Keep };
        match swap {
            Swap::Done => {
                let reason = self.cause.reason(&loaded.record);
                context.report(&Event::Ended { id: loaded.id(), reason });
                self.finish(context, cookie, true)
            }
            Swap::Gone => self.finish(context, cookie, true),
            Swap::Stale(current) => self.lost(context, &current, cookie),
        }
    }

    /// The session was changed in the meantime: ends it if its key still opens it.
    fn lost<C: Context<Value = T>>(
        &mut self,
        context: &C,
        current: &Record,
        cookie: CookieChange,
    ) -> Next<Written<T, ()>> {
        let SessionState::Live(loaded) = &self.session else { return Err(Failure::OutOfOrder) };
        match judge_credential(context, &loaded.credential, current) {
            KeyStatus::Valid => {
                self.count_attempt()?;
                self.end_if(context, current.revision())
            }
            KeyStatus::Invalid(NoSession::Expired) => self.finish(context, cookie, true),
            KeyStatus::Reused => Err(Failure::Superseded),
            status => Err(refusal(status)),
        }
    }

    fn count_attempt(&mut self) -> Result<(), Failure> {
        self.attempts += 1;
        if self.attempts == MAX_ATTEMPTS { Err(Failure::Conflict) } else { Ok(()) }
    }

    fn finish<C: Context<Value = T>>(
        &mut self,
        context: &C,
        cookie: CookieChange,
        changed: bool,
    ) -> Next<Written<T, ()>> {
        context.forget_first_key();
        let session = mem::replace(&mut self.after, SessionState::Over);
        Ok(Step::Done(Written { session, cookie, result: (), changed }))
    }
}

/// Ends a session from outside, whatever its key.
///
/// A session that is gone or has ended counts as success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an argument with two parts")]
pub struct EndById {
    /// The session.
    pub id: PublicId,
    /// Why it is ended.
    pub reason: EndReason,
}

impl<C: Context> Steps<C> for EndById {
    type Outcome = ();

    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        Ok(Step::Ask(Ask::End(self.id, context.rules().end(self.reason, context.now()))))
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match answer {
            Answer::Ended(ended) => {
                report_end(context, self.id, self.reason, ended)?;
                Ok(Step::Done(()))
            }
            _ => Err(Failure::OutOfOrder),
        }
    }
}

/// Reports a session that was ended by its id.
pub(super) fn report_end<C: Context>(
    context: &C,
    id: PublicId,
    reason: EndReason,
    ended: Result<Ended, StoreError>,
) -> Result<(), Failure> {
    if ended? == Ended::Now {
        context.report(&Event::Ended { id, reason });
    }
    Ok(())
}
