//! A change of a session, which creates it if there is none.

use std::mem;

use super::super::{CookieChange, Failure, NoSession, Rules as _};
use super::create::{Create, Created};
use super::{Answer, Change, Context, Loaded, Plan, SessionState, Step, Steps};
use crate::key::Key;
use crate::policy::Lifetime;
use crate::record::EndReason;
use crate::time::Timestamp;

/// Makes a change, on the request's session or on one that it creates for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write<T, P, R>(State<T, P, R>);

/// What a change does without a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a change creates a session or not")]
pub enum Begin<T, R> {
    /// There is nothing to write.
    Nothing(R),
    /// Creates a session with this value, if it has one, and this lifetime.
    Create(Option<T>, Lifetime, R),
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
enum State<T, P, R> {
    #[default]
    Over,
    Starting(SessionState<T>, P),
    Creating(Create<T>, P, R),
    /// The change, and what the response does to the cookie unless the change says otherwise.
    Changing(Change<T, P, R>, CookieChange),
}

impl<T, P, R> Write<T, P, R> {
    /// Makes the change that `plan` says, in a request with this session.
    pub fn new(session: SessionState<T>, plan: P) -> Self {
        Self(State::Starting(session, plan))
    }
}

impl<C: Context, P: Plan<C>> Steps<C> for Write<C::Value, P, P::Result> {
    type Outcome = Result<Written<C::Value, P::Result>, Failure>;

    fn start(&mut self, context: &C) -> Step<Self::Outcome> {
        let State::Starting(session, plan) = mem::take(&mut self.0) else {
            return Step::out_of_order();
        };
        match session {
            SessionState::Live(loaded) => self.change(context, loaded, plan, CookieChange::Keep),
            SessionState::Absent(no_session) => self.begin(context, no_session, plan),
            SessionState::Superseded if context.rules().superseded_may_begin() => {
                self.begin(context, NoSession::Superseded, plan)
            }
            SessionState::Superseded => Step::fail(Failure::Superseded),
            SessionState::Over => {
                Step::fail(Failure::NoSession(NoSession::Ended(EndReason::Ended)))
            }
        }
    }

    fn step(&mut self, context: &C, answer: Answer) -> Step<Self::Outcome> {
        match mem::take(&mut self.0) {
            State::Creating(mut create, plan, result) => match create.step(context, answer) {
                Step::Ask(ask) => {
                    self.0 = State::Creating(create, plan, result);
                    Step::Ask(ask)
                }
                Step::Done(created) => self.created(context, plan, result, created),
            },
            State::Changing(mut change, cookie) => {
                let next = change.step(context, answer);
                self.changing(change, cookie, next)
            }
            State::Over | State::Starting(..) => Step::out_of_order(),
        }
    }
}

type Next<T, R> = Step<Result<Written<T, R>, Failure>>;

impl<T: Clone + PartialEq, P, R> Write<T, P, R> {
    fn change<C>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        plan: P,
        cookie: CookieChange,
    ) -> Next<T, R>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let mut change = Change::new(loaded, plan);
        let next = change.start(context);
        self.changing(change, cookie, next)
    }

    fn changing(
        &mut self,
        change: Change<T, P, R>,
        cookie: CookieChange,
        next: Next<T, R>,
    ) -> Next<T, R> {
        match next {
            Step::Ask(ask) => {
                self.0 = State::Changing(change, cookie);
                Step::Ask(ask)
            }
            Step::Done(Ok(mut written)) => {
                if written.cookie == CookieChange::Keep {
                    written.cookie = cookie;
                }
                Step::Done(Ok(written))
            }
            Step::Done(failed) => Step::Done(failed),
        }
    }

    fn begin<C>(&mut self, context: &C, no_session: NoSession, mut plan: P) -> Next<T, R>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        let (value, lifetime, result) = match plan.begin(context, no_session) {
            Ok(Begin::Create(value, lifetime, result)) => (value, lifetime, result),
            Ok(Begin::Nothing(result)) => {
                let (session, cookie) = (SessionState::Absent(no_session), CookieChange::Keep);
                return Step::Done(Ok(Written { session, cookie, result, changed: false }));
            }
            Err(failure) => return Step::Done(Err(failure)),
        };
        let key = match context.first_key() {
            Ok(key) => key,
            Err(failure) => return Step::Done(Err(failure)),
        };
        let mut create = Create::new(key, value, lifetime, context.client());
        match create.start(context) {
            Step::Ask(ask) => {
                self.0 = State::Creating(create, plan, result);
                Step::Ask(ask)
            }
            Step::Done(created) => self.created(context, plan, result, created),
        }
    }

    fn created<C>(
        &mut self,
        context: &C,
        plan: P,
        result: R,
        created: Result<Created<T>, Failure>,
    ) -> Next<T, R>
    where
        C: Context<Value = T>,
        P: Plan<C, Result = R>,
    {
        match created {
            Ok(Created::New(loaded)) => Step::Done(Ok(Written {
                cookie: first_cookie(context, &loaded, loaded.record.created()),
                session: SessionState::Live(loaded),
                result,
                changed: true,
            })),
            // Another handle of this request created it.
            Ok(Created::Existing(loaded)) => {
                let cookie = first_cookie(context, &loaded, context.now());
                self.change(context, loaded, plan, cookie)
            }
            Ok(Created::Taken) => Step::fail(Failure::Conflict),
            Err(failure) => Step::Done(Err(failure)),
        }
    }
}

/// What the response that creates a session does to the cookie.
pub(super) fn first_cookie<C: Context>(
    context: &C,
    loaded: &Loaded<C::Value>,
    now: Timestamp,
) -> CookieChange {
    let send = |key: &Key| context.rules().send(key.clone(), &loaded.record, now);
    loaded.key().map_or(CookieChange::Keep, send)
}
