//! The one path by which a live session is changed.

use std::sync::Arc;
use std::time::Duration;

use super::{Credential, LoadedSession, Manager};
use crate::error::{Error, ErrorKind};
use crate::key::{Key, PublicId};
use crate::observe::Event;
use crate::protocol::{self, CookieChange, Settled};
use crate::record::{Record, Revision};
use crate::store::{Io, Outcome, StoreError, Swap};
use crate::time::Timestamp;
use crate::value::{SessionValue, TypedValue};

/// How long a writer keeps losing races before it gives up.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How many races it loses at most, however fast.
pub(super) const MAX_ATTEMPTS: u32 = 10_000;

/// A function that plans a change. It is called again, on newer sessions, for every race it loses.
pub(crate) trait PlanFn<V, R>:
    FnMut(&Manager<V>, &LoadedSession<V>, Timestamp) -> Result<Plan<V, R>, Error>
{
}

impl<V, R, F> PlanFn<V, R> for F where
    F: FnMut(&Manager<V>, &LoadedSession<V>, Timestamp) -> Result<Plan<V, R>, Error>
{
}

/// What a change wants to do to the session it was given.
pub(crate) enum Plan<V, R> {
    /// Nothing needs to be written.
    Keep(R),
    Write(Draft<V>, R),
}

/// A record to be written. Its revision is set when it is.
pub(crate) struct Draft<V> {
    pub(crate) record: Record,
    /// The decoded value of the record's payload.
    pub(crate) value: Option<Arc<TypedValue<V>>>,
    /// The key that opens the session from this write on, if it changes.
    pub(crate) fresh: Option<Key>,
}

/// The result of a change.
pub(crate) struct Written<V, R> {
    pub(crate) loaded: LoadedSession<V>,
    pub(crate) cookie: CookieChange,
    pub(crate) result: R,
    pub(crate) changed: bool,
}

/// A change in progress.
pub(crate) enum Attempt<'a, V, R> {
    /// It is done, or there was nothing to write.
    Done(Written<V, R>),
    /// The store was asked at this moment, and has not answered yet.
    Pending(Draft<V>, R, Io<'a, Result<Swap, Error>>, Timestamp),
    /// Our copy of the session is over.
    ///
    /// Only the store can confirm that: the session may have been extended.
    Over,
}

impl<V: SessionValue> Manager<V> {
    /// Plans a change and asks the store to write it. If the store answers at once, the change is
    /// done.
    pub(crate) fn attempt<'a, R>(
        &'a self,
        loaded: &LoadedSession<V>,
        plan: &mut impl PlanFn<V, R>,
    ) -> Result<Attempt<'a, V, R>, Error> {
        let now = self.now();
        if protocol::is_over(&loaded.record, now) {
            return Ok(Attempt::Over);
        }
        let (mut draft, result) = match plan(self, loaded, now)? {
            Plan::Keep(result) => {
                let (loaded, cookie) = (loaded.clone(), CookieChange::Keep);
                return Ok(Attempt::Done(Written { loaded, cookie, result, changed: false }));
            }
            Plan::Write(draft, result) => (draft, result),
        };
        let revision = loaded.record.revision().next(self.tokens.next());
        draft.record = draft.record.edited(|fields| fields.revision = revision);
        Ok(match self.swap(loaded, draft.record.clone()).into_ready() {
            Ok(Ok(Swap::Done)) => Attempt::Done(Self::written(loaded, draft, result, now)),
            Ok(answer) => Attempt::Pending(draft, result, Io::ready(answer), now),
            Err(swapping) => Attempt::Pending(draft, result, swapping, now),
        })
    }

    /// Completes an attempt: repeats it until its write wins, or the session is no longer open to
    /// its key.
    ///
    /// The plan runs again for every race it loses, on the session as the winner left it, after the
    /// credential has been verified again. So a request with a superseded key writes nothing.
    pub(crate) async fn complete<R>(
        &self,
        first: &LoadedSession<V>,
        mut attempt: Attempt<'_, V, R>,
        mut plan: impl PlanFn<V, R>,
    ) -> Result<Written<V, R>, Error> {
        let id = first.id();
        let started = self.now();
        let (mut newer, mut guard, mut lost) = (None, None, 0);
        loop {
            let loaded = newer.as_ref().unwrap_or(first);
            match attempt {
                Attempt::Over => newer = Some(self.reread(loaded).await?),
                Attempt::Done(written) => {
                    if lost > 0 && written.changed {
                        self.observe(&Event::WriteRetried { id, lost });
                    }
                    return Ok(written);
                }
                Attempt::Pending(draft, result, swapping, now) => {
                    match swapping.await? {
                        Swap::Done => {
                            attempt = Attempt::Done(Self::written(loaded, draft, result, now));
                            continue;
                        }
                        Swap::Stale(current) => {
                            newer = Some(self.load_record(&loaded.credential, current)?);
                        }
                        Swap::Gone => newer = Some(self.reread(loaded).await?),
                    }
                    lost += 1;
                    if lost == MAX_ATTEMPTS || now.since(started) >= TIME_LIMIT {
                        break;
                    }
                    // A writer that has lost a race waits in a per-process queue with the other
                    // losers. From then on it competes with other nodes only.
                    if guard.is_none() {
                        guard = Some(self.writers.acquire(id).await);
                    }
                }
            }
            attempt = self.attempt(newer.as_ref().unwrap_or(first), &mut plan)?;
        }
        self.observe(&Event::WriteConflict { id });
        Err(Error::new(ErrorKind::Conflict))
    }

    fn written<R>(
        loaded: &LoadedSession<V>,
        draft: Draft<V>,
        result: R,
        now: Timestamp,
    ) -> Written<V, R> {
        let Draft { record, value, fresh } = draft;
        let (loaded, cookie) = match fresh {
            None => (
                LoadedSession { credential: loaded.credential.clone(), record, value },
                CookieChange::Keep,
            ),
            Some(key) => {
                let cookie = CookieChange::send(key.clone(), &record, now);
                (LoadedSession { credential: Credential::Key(key), record, value }, cookie)
            }
        };
        Written { loaded, cookie, result, changed: true }
    }

    /// One compare-and-swap. If its outcome is unknown it is repeated once.
    ///
    /// That is safe: the revision's token tells whether the record in the store is this write.
    fn swap(&self, loaded: &LoadedSession<V>, record: Record) -> Io<'_, Result<Swap, Error>> {
        let (id, expected) = (loaded.id(), loaded.record.revision());
        match self.store.replace(id, expected, record.clone()).into_ready() {
            Ok(Err(error)) if error.outcome() == Outcome::Unknown => {
                Io::future(self.retry_swap(id, expected, record, error))
            }
            Ok(answer) => Io::ready(answer.map_err(Error::from)),
            Err(swapping) => Io::future(async move {
                match swapping.await {
                    Err(error) if error.outcome() == Outcome::Unknown => {
                        self.retry_swap(id, expected, record, error).await
                    }
                    answer => Ok(answer?),
                }
            }),
        }
    }

    async fn retry_swap(
        &self,
        id: PublicId,
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
