//! A change without a session: it can create one.

use std::mem;

use super::super::super::{CookieChange, Failure, NoSession, Rules as _};
use super::super::create::{Create, Created};
use super::super::{Begin, Context, Loaded, Next, Plan, SessionState, Step, Steps as _, Written};
use super::Write;
use crate::key::Key;
use crate::time::Timestamp;

impl<T: Clone + PartialEq, P, R> Write<T, P, R> {
    /// There is no session: creates one, if the change says so and the request may.
    pub(super) fn begin<C>(&mut self, context: &C) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let Some(no_session) = self.session.no_session() else { return Err(Failure::OutOfOrder) };
        let may_begin = self.session.may_begin(context);
        // Other handlers' work is not to be judged by a default value that is about to be replaced.
        if no_session == NoSession::Superseded || matches!(self.session, SessionState::Over) {
            may_begin?;
            return Err(Failure::OutOfOrder);
        }
        let (value, lifetime, result) = match self.plan.begin(context, no_session) {
            Ok(Begin::Create(value, lifetime, result)) => (value, lifetime, result),
            Ok(Begin::Nothing(result)) => {
                let session = mem::replace(&mut self.session, SessionState::Over);
                return self.done(session, CookieChange::Keep, result, false);
            }
            Err(failure) => return Err(may_begin.err().unwrap_or(failure)),
        };
        may_begin?;
        let key = context.first_key()?;
        self.result = Some(result);
        let create = Create::new(key, value, lifetime, context.client());
        let create = self.creating.insert(create);
        let next = create.start(context)?;
        self.created(context, next)
    }

    #[inline(always)]
    pub(super) fn created<C>(&mut self, context: &C, next: Step<Created<T>>) -> Next<Written<T, R>>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let created = match next {
            Step::Ask(ask) => return Ok(Step::Ask(ask)),
            Step::Done(created) => created,
        };
        let Some(result) = self.result.take() else { return Err(Failure::OutOfOrder) };
        match created {
            Created::New(loaded) => {
                let cookie = first_cookie(context, &loaded, loaded.record.created());
                self.done(SessionState::Live(loaded), cookie, result, true)
            }
            // Another handle of this request created it.
            Created::Existing(loaded) => {
                self.cookie = first_cookie(context, &loaded, context.now());
                (self.session, self.creating) = (SessionState::Live(loaded), None);
                self.reindex(context)
            }
            Created::Taken => Err(Failure::Conflict),
        }
    }
}

/// What the response that creates a session does to the cookie.
pub(in super::super) fn first_cookie<C: Context>(
    context: &C,
    loaded: &Loaded<C::Value>,
    now: Timestamp,
) -> CookieChange {
    let send = |key: &Key| context.rules().send(key.clone(), &loaded.record, now);
    loaded.key().map_or(CookieChange::Keep, send)
}
