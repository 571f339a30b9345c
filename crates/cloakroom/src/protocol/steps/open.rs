//! From presented keys to a session, with the renewal that is due.

mod admit;
mod choose;
mod refuse;

use std::mem;
use std::net::IpAddr;

use admit::{Renewing, opened};
use refuse::{Refusal, Reused};

use super::super::{
    CookieChange, Failure, KeyStatus, NoSession, PresentedKeys, Renewal, Rules as _,
    SkippedRefresh, judge_id,
};
use super::{Answer, Ask, Context, Loaded, Next, SessionState, Step, Steps};
use crate::key::{Key, PublicId, Verifier};
use crate::observe::Event;
use crate::record::{Record, Stored};
use crate::store::{Lookup, StoreError};
use crate::time::Timestamp;

/// Opens the session that a request presents: the first of its keys that opens one counts, and the
/// others do nothing.
///
/// If the key is to be renewed or the use recorded, that is one more store call, which may fail
/// without harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Open<T> {
    keys: PresentedKeys,
    manner: Manner,
    /// The client's address, if it is recorded.
    client: Option<IpAddr>,
    others: Vec<OtherSession>,
    state: State<T>,
}

/// How a session is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Manner {
    /// Whether a key can be renewed.
    renews: bool,
    /// Whether the use is recorded.
    touches: bool,
    /// Whether a request presents the keys: its client keeps up with renewals.
    is_request: bool,
}

/// What a request's keys have opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Opened<T> {
    /// The session, or why there is none.
    pub session: SessionState<T>,
    /// What the response does to the cookie.
    pub cookie: CookieChange,
    /// Other sessions that the request's keys open, or may open.
    pub others: Vec<OtherSession>,
    /// The key that the request presented, if the session has another one now.
    pub presented: Option<Box<Key>>,
}

/// A session that a request could have used as well: signing out ends it too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "for the runner and for checkers only")]
pub struct OtherSession {
    /// The key that opens it.
    pub key: Key,
    /// Its record; `None` if the store did not answer.
    pub record: Option<Record>,
}

/// A key that is being judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Caller {
    key: Key,
    verifier: Verifier,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T> {
    #[default]
    Idle,
    /// The store, or its cache, was asked for the session of the only key.
    Reading(Caller),
    /// A cached record does not open, and only the store can deny a session.
    ReadingAgain(Caller),
    /// The store, or its cache, was asked for the only session of several keys.
    ReadingOne(PublicId),
    /// The store was asked for the sessions of all keys.
    ReadingAll(Vec<PublicId>),
    /// The use is being recorded; whether the next key is to be sent again after that.
    Touching(Loaded<T>, Timestamp, Renewal),
    Renewing(Box<Renewing<T>>),
    /// The session of a reused key is being ended.
    EndingReused(Box<Reused>),
    /// The session of a reused key was not there any more.
    ReadingReused(Box<Reused>),
    /// The browser says that it could not refresh these sessions: is one of them ours, and bound?
    ReadingSkipped(Vec<SkippedRefresh>),
    /// A session that cannot be read is being ended.
    EndingUnreadable(PublicId),
}

impl<T> Open<T> {
    /// Opens what a request presents.
    pub fn new(keys: PresentedKeys, client: Option<IpAddr>) -> Self {
        let manner = Manner { renews: true, touches: true, is_request: true };
        Self { keys, manner, client, others: Vec::new(), state: State::Idle }
    }

    /// Opens what one key opens, outside a request: it is never renewed, since its client may not
    /// learn the new one.
    pub fn outside_request(key: &Key) -> Self {
        let manner = Manner { renews: false, touches: true, is_request: false };
        Self { manner, ..Self::new(PresentedKeys::either(key), None) }
    }

    /// Does not renew the key on a timer.
    #[must_use = "the changed operation is returned"]
    pub fn without_renewal(mut self) -> Self {
        self.manner.renews = false;
        self
    }

    /// Does not count as a use of the session.
    #[must_use = "the changed operation is returned"]
    pub fn without_touch(mut self) -> Self {
        (self.manner.renews, self.manner.touches) = (false, false);
        self
    }
}

impl<C: Context> Steps<C> for Open<C::Value> {
    type Outcome = Opened<C::Value>;

    #[inline(always)]
    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        match self.keys.single() {
            Some(key) if self.keys.value_count() == 1 => {
                let (id, verifier) = (key.id(), key.verifier(context.policy().kind));
                self.state = State::Reading(Caller { key: key.clone(), verifier });
                Ok(Step::Ask(Ask::GetCached(id)))
            }
            _ => self.start_several(context),
        }
    }

    #[inline(always)]
    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        let next = match (mem::take(&mut self.state), answer) {
            (State::Reading(caller), Answer::Lookup(found)) => {
                self.looked_up(context, caller, found)
            }
            (state, answer) => self.go_on(context, state, answer),
        };
        if self.others.is_empty() { next } else { self.with_others(next) }
    }
}

/// The step of an operation that opens sessions.
impl<T: Clone + PartialEq> Open<T> {
    /// Any step but the one that most requests end with.
    fn go_on<C: Context<Value = T>>(
        &mut self,
        context: &C,
        state: State<T>,
        answer: Answer,
    ) -> Next<Opened<T>> {
        match (state, answer) {
            (State::ReadingAgain(caller), Answer::Stored(found)) => {
                self.read(context, caller, found)
            }
            (State::ReadingOne(id), Answer::Lookup(found)) => {
                self.looked_up_one(context, id, found)
            }
            (State::ReadingAll(ids), Answer::StoredEach(found)) => {
                let found: Vec<_> = ids.into_iter().zip(found).collect();
                self.choose(context, found)
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
            (State::ReadingSkipped(skipped), Answer::StoredEach(found)) => {
                self.read_skipped(context, &skipped, found)
            }
            (State::EndingReused(reused), Answer::Swapped(swap)) => {
                self.ended_reused(context, reused, swap)
            }
            (State::ReadingReused(reused), Answer::Stored(found)) => {
                self.read_reused(context, *reused, found)
            }
            (State::EndingUnreadable(id), Answer::Ended(ended)) => {
                Self::ended_unreadable(context, id, ended)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    /// No key, or more than one value where a key belongs.
    #[cold]
    fn start_several<C: Context<Value = T>>(&mut self, context: &C) -> Next<Opened<T>> {
        let count = self.keys.value_count();
        if count > 1 {
            context.report(&Event::MultipleKeys { count });
        }
        let ids = self.keys.ids();
        let skipped = self.keys.skipped();
        if ids.is_empty() && !skipped.is_empty() {
            let ids = skipped.iter().map(|skipped| skipped.id).collect();
            self.state = State::ReadingSkipped(skipped.to_vec());
            return Ok(Step::Ask(Ask::GetEach(ids)));
        }
        match ids[..] {
            [] if count == 0 => self.absent(context, NoSession::NoKey),
            [] => self.absent(context, NoSession::Unknown),
            [id] => {
                self.state = State::ReadingOne(id);
                Ok(Step::Ask(Ask::GetCached(id)))
            }
            _ => self.read_all(ids),
        }
    }

    /// The request has no session, for this reason or because the browser may have kept the cookie
    /// back: one that comes along with such a request is not the one that was set.
    fn absent<C: Context<Value = T>>(&self, context: &C, no_session: NoSession) -> Next<Opened<T>> {
        let is_withheld = self.manner.is_request
            && context.policy().same_site.is_some_and(|same_site| {
                context.rules().is_withheld(context.origin(), same_site, self.keys.is_marked())
            });
        absent(if is_withheld { NoSession::Withheld } else { no_session })
    }

    /// A browser that has not refreshed its bound session begins nothing: the cookie of another one
    /// would end its refreshing for good.
    #[cold]
    fn read_skipped<C: Context<Value = T>>(
        &self,
        context: &C,
        skipped: &[SkippedRefresh],
        found: Vec<Result<Option<Stored>, StoreError>>,
    ) -> Next<Opened<T>> {
        let (kind, now) = (context.policy().kind, context.now());
        for (&SkippedRefresh { id, reason }, stored) in skipped.iter().zip(found) {
            let record = match stored {
                Ok(Some(Stored::Live(record))) => record,
                // A record that no one can read keeps no one out.
                Ok(_) => continue,
                Err(error) if error.is_unreadable() => continue,
                Err(error) => return Err(error.into()),
            };
            if record.device().is_some() && judge_id(&record, kind, now) == KeyStatus::Valid {
                context.report(&Event::ProofSkipped { id, reason });
                return self.absent(context, NoSession::ProofNeeded);
            }
        }
        self.absent(context, NoSession::NoKey)
    }

    /// Reads the sessions of all keys at once.
    fn read_all(&mut self, ids: Vec<PublicId>) -> Next<Opened<T>> {
        self.state = State::ReadingAll(ids.clone());
        Ok(Step::Ask(Ask::GetEach(ids)))
    }

    /// Another write has changed the session after its key was judged: judges all keys again, and
    /// only reads this time.
    fn start_again(&mut self) -> Next<Opened<T>> {
        (self.manner.renews, self.manner.touches) = (false, false);
        self.others.clear();
        self.read_all(self.keys.ids())
    }

    #[cold]
    fn with_others(&mut self, next: Next<Opened<T>>) -> Next<Opened<T>> {
        match next {
            Ok(Step::Done(opened)) => {
                let others = mem::take(&mut self.others);
                Ok(Step::Done(Opened { others, ..opened }))
            }
            next => next,
        }
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
        match found {
            Ok(Some(Stored::Live(record))) => self.live(context, caller, record, false),
            found => {
                let refusal = Refusal::of_stored(context, &caller, found)?;
                self.refuse(context, caller, refusal)
            }
        }
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
            status => self.refuse(context, caller, Refusal::of_record(status, record)),
        }
    }
}

/// The request has no session, for this reason.
fn absent<T>(no_session: NoSession) -> Next<Opened<T>> {
    without(SessionState::Absent(no_session))
}

fn without<T>(session: SessionState<T>) -> Next<Opened<T>> {
    let (cookie, others) = (CookieChange::Keep, Vec::new());
    Ok(Step::Done(Opened { session, cookie, others, presented: None }))
}
