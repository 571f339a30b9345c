//! The one path by which a live session changes.

use std::sync::Arc;
use std::time::Duration;

use super::{Claim, Held, Manager};
use crate::error::{Error, ErrorKind};
use crate::io::Io;
use crate::key::{Key, SessionId};
use crate::observer::Event;
use crate::payload::Holder;
use crate::protocol::{self, CookieChange, Settled};
use crate::record::{Record, Revision};
use crate::store::{Outcome, StoreError, Swap};
use crate::time::Timestamp;
use crate::turnstile::Turn;
use crate::value::Value;

/// How long a writer goes on losing races before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many races it loses at most, however fast.
pub(super) const ATTEMPTS: u32 = 10_000;

/// What a change wants, for the session as it stands.
#[expect(clippy::large_enum_variant, reason = "passed by value, once, and a write in the common case")]
pub(crate) enum Plan<V, R> {
    /// Nothing to write.
    Keep(R),
    Write(Draft<V>, R),
}

/// A record to be written; its revision is set by the path.
pub(crate) struct Draft<V> {
    pub(crate) record: Record,
    /// The typed value of the record's payload.
    pub(crate) value: Option<Arc<Holder<V>>>,
    /// The key that opens it from this write on, if it is another one.
    pub(crate) fresh: Option<Key>,
}

/// What a change led to.
pub(crate) struct Written<V, R> {
    pub(crate) held: Held<V>,
    pub(crate) cookie: CookieChange,
    pub(crate) result: R,
    pub(crate) changed: bool,
}

impl<V, R> Written<V, R> {
    fn nothing(held: Held<V>, result: R) -> Self {
        Self { held, cookie: CookieChange::Keep, result, changed: false }
    }
}

impl<V: Value> Manager<V> {
    /// Plans and writes until the plan's write wins or the session is no longer open to its key.
    ///
    /// The plan runs again for every race it loses, on the session as the winner left it, after the key was
    /// verified again: a request that holds a replaced secret writes nothing.
    #[expect(clippy::manual_async_fn, reason = "what is given to an `async fn` is kept twice in its future")]
    pub(crate) fn write<R>(
        &self,
        first: &Held<V>,
        mut plan: impl FnMut(&Held<V>, Timestamp) -> Result<Plan<V, R>, Error>,
    ) -> impl Future<Output = Result<Written<V, R>, Error>> {
        async move {
            let started = self.now();
            // What only losers need is boxed: this future is a part of every handler's.
            let (mut now, mut newer, mut turn) = (started, None::<Box<Held<V>>>, None::<Box<Turn<SessionId>>>);
            for lost in 0..ATTEMPTS {
                // Our copy may say that the session lives, never that it does not.
                if protocol::is_over(&newer.as_deref().unwrap_or(first).record, now) {
                    newer = Some(self.reread_boxed(newer.as_deref().unwrap_or(first)).await?);
                    now = self.now();
                }
                let (draft, result) = match self.draft(newer.as_deref().unwrap_or(first), now, &mut plan)? {
                    Plan::Keep(result) => {
                        return Ok(Written::nothing(newer.as_deref().unwrap_or(first).clone(), result));
                    }
                    Plan::Write(draft, result) => (draft, result),
                };
                let swap = self.swap(newer.as_deref().unwrap_or(first), draft.record.clone()).await?;
                let held = newer.as_deref().unwrap_or(first);
                match swap {
                    Swap::Done => {
                        if lost > 0 {
                            self.observe(&Event::Retried { id: held.id(), lost });
                        }
                        return Ok(self.written(held, draft, result, now));
                    }
                    Swap::Stale(current) => {
                        newer = Some(Box::new(self.recognise(&held.claim, current)?));
                    }
                    Swap::Gone => newer = Some(self.reread_boxed(held).await?),
                }
                if now.since(started) >= PATIENCE {
                    break;
                }
                // Who lost once queues with the other losers of this process, so that each loses to other nodes only.
                if turn.is_none() {
                    turn = Some(Io::future(self.turn_at(first.id())).await);
                }
                now = self.now();
            }
            self.observe(&Event::Conflict { id: first.id() });
            Err(Error::new(ErrorKind::Conflict))
        }
    }

    /// What the plan wants, as the next write of the session.
    fn draft<R>(
        &self,
        held: &Held<V>,
        now: Timestamp,
        plan: &mut impl FnMut(&Held<V>, Timestamp) -> Result<Plan<V, R>, Error>,
    ) -> Result<Plan<V, R>, Error> {
        let planned = plan(held, now)?;
        Ok(match planned {
            Plan::Write(mut draft, result) => {
                let revision = held.record.revision().next(self.tokens.draw());
                draft.record = draft.record.edited(|facts| facts.revision = revision);
                Plan::Write(draft, result)
            }
            keep @ Plan::Keep(_) => keep,
        })
    }

    fn reread_boxed<'a>(&'a self, held: &Held<V>) -> Io<'a, Result<Box<Held<V>>, Error>> {
        self.reread(held).map(|held| held.map(Box::new))
    }

    async fn turn_at(&self, id: SessionId) -> Box<Turn<SessionId>> {
        Box::new(self.turnstile.enter(id).await)
    }

    fn written<R>(&self, held: &Held<V>, draft: Draft<V>, result: R, now: Timestamp) -> Written<V, R> {
        let Draft { record, value, fresh } = draft;
        let (held, cookie) = match fresh {
            None => {
                (Held { claim: held.claim.clone(), record, value }, CookieChange::Keep)
            }
            Some(key) => {
                let cookie = CookieChange::send(key.clone(), &record, now);
                (Held { claim: Claim::Key(key), record, value }, cookie)
            }
        };
        Written { held, cookie, result, changed: true }
    }

    /// One compare-and-swap. If its answer is lost it is asked once more, which is safe: the revision's token
    /// tells whether the write that stands there is this one.
    fn swap(&self, held: &Held<V>, record: Record) -> Io<'_, Result<Swap, Error>> {
        let (id, expected) = (held.id(), held.record.revision());
        match self.store.replace(id, expected, record.clone()).at_once() {
            Ok(Err(error)) if error.outcome() == Outcome::Unknown => {
                Io::future(self.swap_again(id, expected, record, error))
            }
            Ok(answer) => Io::ready(answer.map_err(Error::from)),
            Err(swapping) => Io::future(async move {
                match swapping.await {
                    Err(error) if error.outcome() == Outcome::Unknown => {
                        self.swap_again(id, expected, record, error).await
                    }
                    answer => Ok(answer?),
                }
            }),
        }
    }

    async fn swap_again(
        &self,
        id: SessionId,
        expected: Revision,
        record: Record,
        lost: StoreError,
    ) -> Result<Swap, Error> {
        match self.store.replace(id, expected, record.clone()).await {
            Ok(Swap::Stale(current)) => {
                match protocol::settle(expected, record.revision(), current.revision()) {
                    Settled::Done => Ok(Swap::Done),
                    Settled::Lost => Ok(Swap::Stale(current)),
                    Settled::Unknown => Err(lost.into()),
                }
            }
            Ok(answer) => Ok(answer),
            Err(_) => Err(lost.into()),
        }
    }
}
