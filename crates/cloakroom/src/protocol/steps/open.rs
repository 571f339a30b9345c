//! From presented keys to a session, with the renewal that is due.

use std::mem;
use std::net::IpAddr;

use super::super::{
    CookieChange, Failure, KeyStatus, NoSession, PresentedKeys, Renewal, Rules as _,
};
use super::context::decode;
use super::end::report_end;
use super::session::load_stored;
use super::{Answer, Ask, Context, Credential, Loaded, SessionState, Step, Steps};
use crate::key::{Key, Nonce, PublicId, Verifier};
use crate::observe::Event;
use crate::policy::{Reaction, UnreadablePolicy};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Lookup, StoreError, StoreErrorKind, Swap};
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

/// A step of a renewal that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Renewing<T> {
    before: Loaded<T>,
    after: Record,
    /// The key to send once it is written.
    next: Option<Key>,
    /// Of the presented key.
    verifier: Verifier,
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
    type Outcome = Result<Opened<C::Value>, Failure>;

    #[inline(always)]
    fn start(&mut self, context: &C) -> Step<Self::Outcome> {
        if self.keys.value_count() > 1 {
            context.report(&Event::MultipleKeys { count: self.keys.value_count() });
        }
        self.try_next(context)
    }

    #[inline(always)]
    fn step(&mut self, context: &C, answer: Answer) -> Step<Self::Outcome> {
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
                match report_end(context, id, reason, ended) {
                    Ok(()) => self.absent(context, no_session),
                    Err(failure) => Step::Done(Err(failure)),
                }
            }
            _ => Step::out_of_order(),
        }
    }
}

/// The step of an operation that opens sessions.
type Next<T> = Step<Result<Opened<T>, Failure>>;

impl<T: Clone + PartialEq> Open<T> {
    #[inline(always)]
    fn try_next<C: Context<Value = T>>(&mut self, context: &C) -> Next<T> {
        let Some(key) = self.keys.take_next() else { return self.nothing() };
        let (id, verifier) = (key.id(), key.verifier(context.policy().kind));
        self.state = State::Reading(Caller { key, verifier });
        Step::Ask(Ask::GetCached(id))
    }

    /// No key opens a session.
    fn nothing(&self) -> Next<T> {
        let Outlook { no_session, superseded, reused } = self.outlook;
        let session = if superseded || reused {
            SessionState::Superseded
        } else {
            SessionState::Absent(no_session)
        };
        let is_stale = self.keys.value_count() > 0 && !superseded;
        Step::Done(Ok(Opened { session, cookie: CookieChange::Keep, is_stale }))
    }

    fn absent<C: Context<Value = T>>(&mut self, context: &C, no_session: NoSession) -> Next<T> {
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
    ) -> Next<T> {
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
    ) -> Next<T> {
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
            Err(error) => return Step::fail(error),
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
    ) -> Next<T> {
        let (id, now, reuse_after) = (caller.key.id(), context.now(), context.policy().reuse.after);
        match context.rules().judge(&record, &caller.verifier, reuse_after, now) {
            KeyStatus::Valid => self.admit(context, caller, record, now),
            _ if is_cached => {
                self.state = State::ReadingAgain(caller);
                Step::Ask(Ask::Get(id))
            }
            status => self.refuse(context, id, status),
        }
    }

    /// Reports a key that opens nothing, and decides what the request sees.
    fn refuse<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        status: KeyStatus,
    ) -> Next<T> {
        match status {
            KeyStatus::Valid | KeyStatus::Superseded => {
                context.report(&Event::RetiredKey { id });
                self.outlook.superseded = true;
                self.try_next(context)
            }
            KeyStatus::Invalid(no_session) => {
                self.report(context, id, no_session);
                self.absent(context, no_session)
            }
            KeyStatus::Reused => {
                context.report(&Event::KeyReused { id });
                match context.policy().reuse.reaction {
                    // A bearer key is never renewed on a timer, so its client cannot have fallen
                    // behind: only report it.
                    _ if !self.renews => self.absent(context, NoSession::Retired),
                    Reaction::Report => self.absent(context, NoSession::Retired),
                    Reaction::Refuse => {
                        self.outlook.reused = true;
                        self.try_next(context)
                    }
                    Reaction::End => {
                        let reason = EndReason::KeyReused;
                        self.end(context, id, reason, NoSession::Ended(reason))
                    }
                }
            }
        }
    }

    fn report<C: Context>(&self, context: &C, id: PublicId, no_session: NoSession) {
        let client = self.client;
        match no_session {
            NoSession::Unknown => context.report(&Event::UnknownKey { id, client }),
            NoSession::WrongSecret => context.report(&Event::WrongSecret { id, client }),
            NoSession::Retired => context.report(&Event::RetiredKey { id }),
            NoSession::Expired => context.report(&Event::UseAfterEnd { id, reason: None }),
            NoSession::Ended(reason) => {
                context.report(&Event::UseAfterEnd { id, reason: Some(reason) });
            }
            _ => {}
        }
    }

    fn end<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        reason: EndReason,
        no_session: NoSession,
    ) -> Next<T> {
        self.state = State::Ending(id, reason, no_session);
        Step::Ask(Ask::End(id, context.rules().end(reason, context.now())))
    }

    /// Treats a session that cannot be decoded as the policy says. Its record is never overwritten.
    fn unreadable<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        failure: Failure,
    ) -> Next<T> {
        match context.policy().unreadable {
            UnreadablePolicy::Refuse => Step::Done(Err(failure)),
            UnreadablePolicy::SetAside => self.absent(context, NoSession::Unreadable),
            UnreadablePolicy::End => self.end(context, id, EndReason::Ended, NoSession::Unreadable),
        }
    }

    /// The key opens this record: decodes the value, then renews the key or records the use if that
    /// is due.
    #[inline(always)]
    fn admit<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        record: Record,
        now: Timestamp,
    ) -> Next<T> {
        let (id, rules) = (caller.key.id(), context.rules());
        let value = match decode(context, id, record.payload()) {
            Ok(value) => value,
            Err(error) => return self.unreadable(context, id, Failure::Corrupt(error)),
        };
        let renewal = if self.renews {
            rules.renewal(&record, &caller.verifier, now)
        } else {
            Renewal::Nothing
        };
        let (after, next) = match renewal {
            Renewal::Nothing | Renewal::Resend => {
                let touch = rules.touch_due(&record, now);
                let loaded = load(caller, record, value);
                return match touch {
                    None => opened(context, loaded, renewal),
                    Some(deadline) => {
                        let revision = loaded.record.revision();
                        self.state = State::Touching(loaded, deadline, renewal);
                        Step::Ask(Ask::Touch(id, revision, deadline))
                    }
                };
            }
            Renewal::Start => match context.random() {
                Ok(bytes) => {
                    let (kind, nonce) = (context.policy().kind, Nonce::from_bytes(bytes));
                    let (after, next) = rules.start_renewal(&record, &caller.key, kind, nonce, now);
                    (after, Some(next))
                }
                Err(error) => return Step::fail(error),
            },
            Renewal::Confirm => (rules.confirm_successor(&record, now), None),
            Renewal::Retire => (rules.retire(&record, now), None),
        };
        let expected = record.revision();
        let after = after.edited(|fields| fields.revision = expected.next(context.token()));
        let verifier = caller.verifier;
        let before = load(caller, record, value);
        let renewing = Renewing { before, after: after.clone(), next, verifier };
        self.state = State::Renewing(Box::new(renewing));
        Step::Ask(Ask::Replace(id, expected, after))
    }

    fn renewed<C: Context<Value = T>>(
        &mut self,
        context: &C,
        renewing: Renewing<T>,
        swap: Result<Swap, StoreError>,
    ) -> Next<T> {
        let Renewing { before, after, next, verifier } = renewing;
        match swap {
            Ok(Swap::Done) => {
                let loaded = Loaded { record: after, ..before };
                match next {
                    None => done(loaded, CookieChange::Keep),
                    Some(next) => {
                        context.report(&Event::Renewed { id: next.id() });
                        send(context, loaded, next)
                    }
                }
            }
            Ok(Swap::Stale(current)) => self.overtaken(context, before, verifier, current),
            Ok(Swap::Gone) => {
                let id = before.id();
                self.state = State::Rereading(before.credential);
                Step::Ask(Ask::Get(id))
            }
            // The read itself succeeded, so it stands. The next request tries again.
            Err(_) => done(before, CookieChange::Keep),
        }
    }

    /// Another write came before the renewal. At most, its next key is sent again.
    fn overtaken<C: Context<Value = T>>(
        &mut self,
        context: &C,
        before: Loaded<T>,
        verifier: Verifier,
        current: Record,
    ) -> Next<T> {
        let (id, now) = (before.id(), context.now());
        let reuse_after = context.policy().reuse.after;
        match context.rules().judge_again(&current, &verifier, reuse_after, now) {
            KeyStatus::Valid => {}
            status => return self.refuse(context, id, status),
        }
        let value = match decode(context, id, current.payload()) {
            Ok(value) => value,
            Err(error) => return self.unreadable(context, id, Failure::Corrupt(error)),
        };
        let renewal = context.rules().renewal(&current, &verifier, now);
        opened(context, Loaded { record: current, value, ..before }, renewal)
    }

    fn reread<C: Context<Value = T>>(
        &mut self,
        context: &C,
        credential: &Credential,
        found: Result<Option<Stored>, StoreError>,
    ) -> Next<T> {
        let loaded = match found {
            Ok(stored) => load_stored(context, credential, stored),
            Err(error) => return Step::fail(error),
        };
        match loaded {
            Ok(loaded) => done(loaded, CookieChange::Keep),
            Err(Failure::Superseded) => {
                self.outlook.superseded = true;
                self.try_next(context)
            }
            Err(Failure::NoSession(no_session)) => self.absent(context, no_session),
            Err(failure) => Step::Done(Err(failure)),
        }
    }
}

#[inline(always)]
fn load<T>(caller: Caller, record: Record, value: Option<T>) -> Loaded<T> {
    Loaded { credential: Credential::Key(caller.key), record, value }
}

#[inline(always)]
fn done<T>(loaded: Loaded<T>, cookie: CookieChange) -> Next<T> {
    Step::Done(Ok(Opened { session: SessionState::Live(loaded), cookie, is_stale: false }))
}

/// The session is open. If the client does not have the next key yet, it is sent again.
#[inline(always)]
fn opened<C: Context>(context: &C, loaded: Loaded<C::Value>, renewal: Renewal) -> Next<C::Value> {
    let Some(key) = loaded.key() else { return done(loaded, CookieChange::Keep) };
    if renewal == Renewal::Resend
        && let Some(next) = context.rules().next_key(&loaded.record, key)
    {
        return send(context, loaded, next);
    }
    let cookie = context.rules().keep(key, &loaded.record);
    done(loaded, cookie)
}

fn send<C: Context>(context: &C, loaded: Loaded<C::Value>, key: Key) -> Next<C::Value> {
    let cookie = context.rules().send(key.clone(), &loaded.record, context.now());
    done(Loaded { credential: Credential::Key(key), ..loaded }, cookie)
}
