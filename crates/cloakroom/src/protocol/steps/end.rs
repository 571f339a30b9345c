//! The end of a session.

use std::mem;

use super::super::{CookieChange, Failure, KeyStatus, NoSession, Rules as _};
use super::session::{judge_credential, refusal};
use super::write::MAX_ATTEMPTS;
use super::{Answer, Ask, Context, Loaded, Next, SessionState, Step, Steps, Written};
use crate::key::PublicId;
use crate::observe::Event;
use crate::record::{EndReason, Revision};
use crate::store::{Ended, StoreError, Swap};

/// Ends the session of a request, unless its key has been replaced since.
///
/// A session that is gone or has ended counts as success.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End<T> {
    session: SessionState<T>,
    after: SessionState<T>,
    reason: EndReason,
    expected: Revision,
    attempts: u32,
}

impl<T> End<T> {
    /// Ends `session`, in whose request nothing more can be written.
    pub fn for_good(session: SessionState<T>) -> Self {
        Self::new(session, EndReason::Ended, SessionState::Over)
    }

    /// Signs out of `session`. The request can begin another.
    pub fn logout(session: SessionState<T>) -> Self {
        let reason = EndReason::SignedOut;
        Self::new(session, reason, SessionState::Absent(NoSession::Ended(reason)))
    }

    fn new(session: SessionState<T>, reason: EndReason, after: SessionState<T>) -> Self {
        let expected = match &session {
            SessionState::Live(loaded) => loaded.record.revision(),
            _ => Revision::new(0, 0),
        };
        Self { session, after, reason, expected, attempts: 0 }
    }
}

impl<C: Context> Steps<C> for End<C::Value> {
    type Outcome = Written<C::Value, ()>;

    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        match &self.session {
            SessionState::Live(loaded) => self.ask(context, loaded),
            SessionState::Superseded => Err(Failure::Superseded),
            SessionState::Absent(NoSession::NoKey) => {
                self.finish(context, CookieChange::Keep, false)
            }
            SessionState::Absent(_) | SessionState::Over => {
                self.finish(context, CookieChange::Remove, false)
            }
        }
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        let (SessionState::Live(loaded), Answer::Swapped(swap)) = (&self.session, answer) else {
            return Err(Failure::OutOfOrder);
        };
        let current = match swap? {
            Swap::Done => {
                context.report(&Event::Ended { id: loaded.id(), reason: self.reason });
                return self.finish(context, CookieChange::Remove, true);
            }
            Swap::Gone => return self.finish(context, CookieChange::Remove, true),
            Swap::Stale(current) => current,
        };
        match judge_credential(context, &loaded.credential, &current) {
            KeyStatus::Valid => {}
            KeyStatus::Invalid(NoSession::Expired) => {
                return self.finish(context, CookieChange::Remove, true);
            }
            KeyStatus::Reused => return Err(Failure::Superseded),
            status => return Err(refusal(status)),
        }
        (self.expected, self.attempts) = (current.revision(), self.attempts + 1);
        if self.attempts == MAX_ATTEMPTS {
            return Err(Failure::Conflict);
        }
        self.ask(context, loaded)
    }
}

impl<T> End<T> {
    fn ask<C: Context<Value = T>>(&self, context: &C, loaded: &Loaded<T>) -> Next<Written<T, ()>> {
        let ending = context.rules().end(self.reason, context.now());
        Ok(Step::Ask(Ask::EndIf(loaded.id(), self.expected, ending)))
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
