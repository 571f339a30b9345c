//! From presented keys to a session, with the renewal that is due.

mod admit;
mod refuse;

use std::mem;
use std::net::IpAddr;

use admit::{Renewing, opened};

use super::super::{
    CookieChange, Failure, KeyStatus, NoSession, PresentedKeys, Renewal, Rules as _,
};
use super::end::report_end;
use super::{Answer, Ask, Context, Credential, Loaded, Next, SessionState, Step, Steps};
use crate::key::{Key, PublicId, Verifier};
use crate::observe::Event;
use crate::record::{EndReason, Record, Stored};
use crate::store::{Lookup, StoreError, StoreErrorKind};
use crate::time::Timestamp;

/// Opens the session that a request presents: the first of its keys that opens one counts.
///
/// If the key is to be renewed or the use recorded, that is one more store call, which may fail
/// without harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Open<T> {
    keys: PresentedKeys,
    /// Whether the client can be sent a renewed key.
    renews: bool,
    /// The client's address, if it is recorded.
    client: Option<IpAddr>,
    outlook: Outlook,
    state: State<T>,
}

/// What a request's keys have opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Opened<T> {
    /// The session, or why there is none.
    pub session: SessionState<T>,
    /// What the response does to the cookie.
    pub cookie: CookieChange,
    /// Whether the keys open nothing and never will: a page that the user navigates to removes
    /// the cookie. A late response to anything else could remove a newer one.
    pub is_stale: bool,
}

/// What the request has if no further key opens a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Outlook {
    /// The most telling reason so far.
    no_session: NoSession,
    superseded: bool,
    reused: bool,
}

/// A key whose session is being opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Caller {
    key: Key,
    verifier: Verifier,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T> {
    #[default]
    Idle,
    /// The store, or its cache, was asked for the session.
    Reading(Caller),
    /// A cached record does not open, and only the store can deny a session.
    ReadingAgain(Caller),
    /// The use is being recorded; whether the next key is to be sent again after that.
    Touching(Loaded<T>, Timestamp, Renewal),
    Renewing(Box<Renewing<T>>),
    /// The session was not there when the renewal was to be written.
    Rereading(Credential),
    /// The session is being ended.
    Ending(PublicId, EndReason, NoSession),
}

impl<T> Open<T> {
    /// Opens what `keys` open, for a client that can be sent a renewed key if it `renews`.
    pub fn new(keys: PresentedKeys, renews: bool, client: Option<IpAddr>) -> Self {
        let no_session =
            if keys.value_count() == 0 { NoSession::NoKey } else { NoSession::Unknown };
        let outlook = Outlook { no_session, superseded: false, reused: false };
        Self { keys, renews, client, outlook, state: State::Idle }
    }
}

impl<C: Context> Steps<C> for Open<C::Value> {
    type Outcome = Opened<C::Value>;

    #[inline(always)]
    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        if self.keys.value_count() > 1 {
            context.report(&Event::MultipleKeys { count: self.keys.value_count() });
        }
        self.try_next(context)
    }

    #[inline(always)]
    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            (State::Reading(caller), Answer::Lookup(found)) => {
                self.looked_up(context, caller, found)
            }
            (State::ReadingAgain(caller), Answer::Stored(found)) => {
                self.read(context, caller, found)
            }
            (State::Touching(mut loaded, deadline, renewal), Answer::Touched(touched)) => {
                if let Ok(true) = touched {
                    loaded.record = loaded.record.with_idle_deadline(deadline);
                }
                opened(context, loaded, renewal)
            }
            (State::Renewing(renewing), Answer::Swapped(swap)) => {
                self.renewed(context, *renewing, swap)
            }
            (State::Rereading(credential), Answer::Stored(found)) => {
                self.reread(context, &credential, found)
            }
            (State::Ending(id, reason, no_session), Answer::Ended(ended)) => {
                report_end(context, id, reason, ended)?;
                self.absent(context, no_session)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }
}

/// The step of an operation that opens sessions.
impl<T: Clone + PartialEq> Open<T> {
    #[inline(always)]
    fn try_next<C: Context<Value = T>>(&mut self, context: &C) -> Next<Opened<T>> {
        let Some(key) = self.keys.take_next() else { return self.nothing() };
        let (id, verifier) = (key.id(), key.verifier(context.policy().kind));
        self.state = State::Reading(Caller { key, verifier });
        Ok(Step::Ask(Ask::GetCached(id)))
    }

    /// No key opens a session.
    fn nothing(&self) -> Next<Opened<T>> {
        let Outlook { no_session, superseded, reused } = self.outlook;
        let session = if superseded || reused {
            SessionState::Superseded
        } else {
            SessionState::Absent(no_session)
        };
        let is_stale = self.keys.value_count() > 0 && !superseded;
        Ok(Step::Done(Opened { session, cookie: CookieChange::Keep, is_stale }))
    }

    fn absent<C: Context<Value = T>>(
        &mut self,
        context: &C,
        no_session: NoSession,
    ) -> Next<Opened<T>> {
        if self.outlook.no_session == NoSession::Unknown {
            self.outlook.no_session = no_session;
        }
        self.try_next(context)
    }

    #[inline(always)]
    fn looked_up<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        found: Result<Lookup, StoreError>,
    ) -> Next<Opened<T>> {
        match found {
            Ok(Lookup::Cached(record)) => self.live(context, caller, record, true),
            Ok(Lookup::Authoritative(stored)) => self.read(context, caller, Ok(stored)),
            Err(error) => self.read(context, caller, Err(error)),
        }
    }

    #[inline(always)]
    fn read<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        found: Result<Option<Stored>, StoreError>,
    ) -> Next<Opened<T>> {
        let id = caller.key.id();
        let status = match found {
            Ok(Some(Stored::Live(record))) => return self.live(context, caller, record, false),
            Ok(Some(Stored::Ended(tombstone))) => {
                context.rules().judge_ended(&tombstone, &caller.verifier)
            }
            Ok(None) => KeyStatus::Invalid(NoSession::Unknown),
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                return self.unreadable(context, id, error.into());
            }
            Err(error) => return Err(error.into()),
        };
        self.refuse(context, id, status)
    }

    /// The session has a record. A cache's copy can confirm it, but only the store can deny it.
    #[inline(always)]
    fn live<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        record: Record,
        is_cached: bool,
    ) -> Next<Opened<T>> {
        let (id, now, reuse_after) = (caller.key.id(), context.now(), context.policy().reuse.after);
        match context.rules().judge(&record, &caller.verifier, reuse_after, now) {
            KeyStatus::Valid => self.admit(context, caller, record, now),
            _ if is_cached => {
                self.state = State::ReadingAgain(caller);
                Ok(Step::Ask(Ask::Get(id)))
            }
            status => self.refuse(context, id, status),
        }
    }
}
