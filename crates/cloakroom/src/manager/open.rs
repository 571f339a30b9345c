//! From a presented key to a session, with the renewal that this request is asked to do.

use std::net::IpAddr;

use super::{Credential, LoadedSession, Manager};
use crate::error::{Error, ErrorKind};
use crate::key::{Key, PublicId, Verifier};
use crate::observe::Event;
use crate::policy::{Reaction, UnreadablePolicy};
use crate::protocol::{self, CookieChange, KeyStatus, NoSession, Renewal};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Io, Lookup, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;
use crate::value::SessionValue;

/// What a presented key opened.
pub(crate) enum OpenOutcome<V> {
    /// A session, and what it asks to be done to the cookie.
    Live(LoadedSession<V>, CookieChange),
    Absent(NoSession),
    Superseded,
    /// A copy that the policy refuses: as if superseded, and the cookie may go.
    Reused,
}

/// Who presents a key.
pub(crate) struct Caller {
    key: Key,
    verifier: Verifier,
    /// Whether they can be sent a renewed key.
    renews: bool,
    /// Their address, if that is known.
    client: Option<IpAddr>,
}

/// A question that the store was asked, and who has it asked.
pub(crate) type PendingLookup<'a> = (Caller, Io<'a, Result<Lookup, StoreError>>);

impl<V: SessionValue> Manager<V> {
    /// Asks the store about the session that `key` names.
    pub(crate) fn ask(&self, key: Key, renews: bool, client: Option<IpAddr>) -> PendingLookup<'_> {
        let (id, verifier) = (key.id(), self.verifier(&key));
        (Caller { key, verifier, renews, client }, self.store.get_cached(id))
    }

    /// Opens a session that needs neither another word of the store nor a note: as nearly all do, nearly always.
    pub(crate) fn open_at_once(
        &self,
        caller: Caller,
        lookup: Result<Lookup, StoreError>,
    ) -> Result<LoadedSession<V>, (Caller, Result<Lookup, StoreError>)> {
        let value = match &lookup {
            Ok(Lookup::Authoritative(Some(Stored::Live(record))) | Lookup::Cached(record))
                if protocol::opens_without_write(
                    record,
                    &caller.verifier,
                    caller.renews,
                    self.now(),
                ) =>
            {
                record.payload().open(&self.coding).ok()
            }
            _ => None,
        };
        match (value, lookup) {
            (
                Some(value),
                Ok(Lookup::Authoritative(Some(Stored::Live(record))) | Lookup::Cached(record)),
            ) => Ok(LoadedSession { credential: Credential::Key(caller.key), record, value }),
            (_, lookup) => Err((caller, lookup)),
        }
    }

    /// Opens what the caller's key opens, by what the store answered.
    ///
    /// No round trip, or one when a touch or a step of a renewal is due; those may fail without harm.
    pub(crate) async fn open(
        &self,
        caller: Caller,
        lookup: Result<Lookup, StoreError>,
    ) -> Result<OpenOutcome<V>, Error> {
        let id = caller.key.id();
        let stored = match lookup {
            // What a near cache remembers will do if it opens: it may say yes, never no.
            Ok(Lookup::Cached(record))
                if self.judge(&record, &caller.verifier, self.now()) == KeyStatus::Valid =>
            {
                let now = self.now();
                return self.keep_up(caller, record, now).await;
            }
            Ok(Lookup::Cached(_)) => self.store.get(id).await,
            Ok(Lookup::Authoritative(stored)) => Ok(stored),
            Err(error) => Err(error),
        };
        let stored = match stored {
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                return self.set_aside(id, Error::from(error)).await;
            }
            stored => stored?,
        };
        let now = self.now();
        match stored {
            None => self.refuse(&caller, KeyStatus::Invalid(NoSession::Unknown)).await,
            Some(Stored::Ended(tombstone)) => {
                self.refuse(&caller, protocol::judge_ended(&tombstone, &caller.verifier)).await
            }
            Some(Stored::Live(record)) => match self.judge(&record, &caller.verifier, now) {
                KeyStatus::Valid => self.keep_up(caller, record, now).await,
                status => self.refuse(&caller, status).await,
            },
        }
    }

    /// Reports and answers a key that opens nothing.
    async fn refuse(&self, caller: &Caller, status: KeyStatus) -> Result<OpenOutcome<V>, Error> {
        let Caller { renews, client, .. } = *caller;
        let id = caller.key.id();
        match status {
            KeyStatus::Valid | KeyStatus::Superseded => {
                self.observe(&Event::RetiredKey { id });
                Ok(OpenOutcome::Superseded)
            }
            KeyStatus::Invalid(no_session) => {
                self.report(id, no_session, client);
                Ok(OpenOutcome::Absent(no_session))
            }
            KeyStatus::Reused => {
                self.observe(&Event::KeyReused { id });
                // A bearer token is never renewed, so its client can't have fallen behind: only report.
                Ok(match self.reuse.reaction {
                    Reaction::End if renews => {
                        self.end(id, EndReason::KeyReused).await?;
                        OpenOutcome::Absent(NoSession::Ended(EndReason::KeyReused))
                    }
                    Reaction::Refuse if renews => OpenOutcome::Reused,
                    _ => OpenOutcome::Absent(NoSession::Retired),
                })
            }
        }
    }

    /// Reports a key that opens nothing.
    fn report(&self, id: PublicId, no_session: NoSession, client: Option<IpAddr>) {
        match no_session {
            NoSession::Unknown => self.observe(&Event::UnknownKey { id, client }),
            NoSession::WrongSecret => self.observe(&Event::WrongSecret { id, client }),
            NoSession::Retired => self.observe(&Event::RetiredKey { id }),
            NoSession::Expired => self.observe(&Event::UseAfterEnd { id, reason: None }),
            NoSession::Ended(reason) => {
                self.observe(&Event::UseAfterEnd { id, reason: Some(reason) });
            }
            _ => {}
        }
    }

    /// Decodes the value of a live session, then does what its renewal and idle timeout ask for.
    async fn keep_up(
        &self,
        caller: Caller,
        record: Record,
        now: Timestamp,
    ) -> Result<OpenOutcome<V>, Error> {
        let value = match self.decode(caller.key.id(), record.payload()) {
            Ok(value) => value,
            Err(error) => return self.set_aside(caller.key.id(), Error::corrupt(error)).await,
        };
        let Caller { key, verifier, renews, client } = caller;
        let step =
            if renews { protocol::renewal(&record, &verifier, now) } else { Renewal::Nothing };
        let id = key.id();
        let next = match step {
            Renewal::Nothing => {
                let (record, credential) =
                    (self.touch(id, record, now).await, Credential::Key(key));
                return Ok(OpenOutcome::Live(
                    LoadedSession { credential, record, value },
                    CookieChange::Keep,
                ));
            }
            Renewal::Resend => {
                let (record, credential) =
                    (self.touch(id, record, now).await, Credential::Key(key));
                let loaded = LoadedSession { credential, record, value };
                return Ok(Self::hand_over(loaded, now));
            }
            Renewal::Start => {
                let (next, next_key) =
                    protocol::start_renewal(&record, &key, self.kind, self.nonce()?, now);
                (next, Some(next_key))
            }
            Renewal::Confirm => (protocol::confirm_successor(&record, now), None),
            Renewal::Retire => (protocol::retire(&record, now), None),
        };
        let (next, next_key) = next;
        let revision = record.revision().next(self.tokens.draw());
        let next = next.edited(|fields| fields.revision = revision);
        match self.store.replace(id, record.revision(), next.clone()).await {
            Ok(Swap::Done) => {
                let loaded =
                    LoadedSession { credential: Credential::Key(key), record: next, value };
                Ok(self.kept_up(loaded, next_key, now))
            }
            Ok(Swap::Stale(current)) => {
                self.overtaken(Caller { key, verifier, renews, client }, current).await
            }
            Ok(Swap::Gone) => {
                self.gone(LoadedSession { credential: Credential::Key(key), record, value }).await
            }
            // The read this write rides on succeeded, and stands. The next request tries again.
            Err(_) => Ok(OpenOutcome::Live(
                LoadedSession { credential: Credential::Key(key), record, value },
                CookieChange::Keep,
            )),
        }
    }

    /// A step of renewal was written.
    fn kept_up(
        &self,
        loaded: LoadedSession<V>,
        next_key: Option<Key>,
        now: Timestamp,
    ) -> OpenOutcome<V> {
        let Some(next_key) = next_key else {
            return OpenOutcome::Live(loaded, CookieChange::Keep);
        };
        self.observe(&Event::Renewed { id: next_key.id() });
        Self::with_key(loaded, next_key, now)
    }

    /// The visitor has not got the next key yet: gives it again, from the record alone.
    fn hand_over(loaded: LoadedSession<V>, now: Timestamp) -> OpenOutcome<V> {
        match loaded.key().and_then(|key| protocol::next_key(&loaded.record, key)) {
            Some(next) => Self::with_key(loaded, next, now),
            None => OpenOutcome::Live(loaded, CookieChange::Keep),
        }
    }

    fn with_key(loaded: LoadedSession<V>, key: Key, now: Timestamp) -> OpenOutcome<V> {
        let cookie = CookieChange::send(key.clone(), &loaded.record, now);
        OpenOutcome::Live(LoadedSession { credential: Credential::Key(key), ..loaded }, cookie)
    }

    /// Another write came before our renewal: looks at what stands there now, and does no more than hand over.
    async fn overtaken(&self, caller: Caller, record: Record) -> Result<OpenOutcome<V>, Error> {
        let now = self.now();
        let id = caller.key.id();
        let standing = self.judge(&record, &caller.verifier, now);
        if standing != KeyStatus::Valid {
            return self.refuse(&caller, standing).await;
        }
        let value = match self.decode(id, record.payload()) {
            Ok(value) => value,
            Err(error) => return self.set_aside(id, Error::corrupt(error)).await,
        };
        let step = protocol::renewal(&record, &caller.verifier, now);
        let loaded = LoadedSession { credential: Credential::Key(caller.key), record, value };
        Ok(match step {
            Renewal::Resend => Self::hand_over(loaded, now),
            _ => OpenOutcome::Live(loaded, CookieChange::Keep),
        })
    }

    /// The session ended while it was opened.
    async fn gone(&self, loaded: LoadedSession<V>) -> Result<OpenOutcome<V>, Error> {
        match self.reread(&loaded).await {
            Ok(loaded) => Ok(OpenOutcome::Live(loaded, CookieChange::Keep)),
            Err(error) if error.kind() == ErrorKind::Superseded => Ok(OpenOutcome::Superseded),
            Err(error) => match error.no_session() {
                Some(no_session) => Ok(OpenOutcome::Absent(no_session)),
                None => Err(error),
            },
        }
    }

    /// Notes the use of the session if the last one noted is long enough ago.
    async fn touch(&self, id: PublicId, record: Record, now: Timestamp) -> Record {
        let Some(deadline) = protocol::touch_due(&record, now) else {
            return record;
        };
        match self.store.touch(id, record.revision(), deadline).await {
            Ok(true) => record.with_idle_deadline(deadline),
            Ok(false) | Err(_) => record,
        }
    }

    /// Treats a session that can't be decoded as the policy says. Nothing is ever written over it.
    async fn set_aside(&self, id: PublicId, error: Error) -> Result<OpenOutcome<V>, Error> {
        match self.unreadable {
            UnreadablePolicy::SetAside => {}
            UnreadablePolicy::Refuse => return Err(error),
            UnreadablePolicy::End => self.end(id, EndReason::Ended).await?,
        }
        Ok(OpenOutcome::Absent(NoSession::Unreadable))
    }
}
