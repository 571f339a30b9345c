//! From a presented key to a session, with the renewal that is due.

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
    /// A session, and what must happen to the cookie.
    Live(LoadedSession<V>, CookieChange),
    Absent(NoSession),
    Superseded,
    /// A reused key that the policy refuses: treated as superseded, and the cookie can be removed.
    Reused,
}

/// A presented key, and what is known of the client that presents it.
pub(crate) struct Caller {
    key: Key,
    verifier: Verifier,
    /// Whether the client can be sent a renewed key.
    can_renew: bool,
    /// The client's address, if it is recorded.
    client: Option<IpAddr>,
}

/// A read that the store was asked for, and the caller it is for.
pub(crate) type PendingLookup<'a> = (Caller, Io<'a, Result<Lookup, StoreError>>);

impl<V: SessionValue> Manager<V> {
    /// Asks the store for the session that `key` names.
    pub(crate) fn look_up(
        &self,
        key: Key,
        can_renew: bool,
        client: Option<IpAddr>,
    ) -> PendingLookup<'_> {
        let (id, verifier) = (key.id(), self.verifier(&key));
        (Caller { key, verifier, can_renew, client }, self.store.get_cached(id))
    }

    /// Opens a session that needs neither another store call nor a write, as nearly all do.
    ///
    /// Otherwise, gives its arguments back.
    #[expect(clippy::result_large_err, reason = "the arguments, which are moved either way")]
    pub(crate) fn open_without_io(
        &self,
        caller: Caller,
        lookup: Result<Lookup, StoreError>,
    ) -> Result<LoadedSession<V>, (Caller, Result<Lookup, StoreError>)> {
        let value = match &lookup {
            Ok(Lookup::Authoritative(Some(Stored::Live(record))) | Lookup::Cached(record))
                if protocol::opens_without_write(
                    record,
                    &caller.verifier,
                    caller.can_renew,
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

    /// Opens what the caller's key opens, given the store's answer.
    ///
    /// Takes one more store call if a touch or a step of a renewal is due. That call may fail
    /// without harm.
    pub(crate) async fn open(
        &self,
        caller: Caller,
        lookup: Result<Lookup, StoreError>,
    ) -> Result<OpenOutcome<V>, Error> {
        let id = caller.key.id();
        let stored = match lookup {
            // A cache's copy can confirm a session, but only the store can deny it.
            Ok(Lookup::Cached(record))
                if self.judge(&record, &caller.verifier, self.now()) == KeyStatus::Valid =>
            {
                let now = self.now();
                return self.maintain(caller, record, now).await;
            }
            Ok(Lookup::Cached(_)) => self.store.get(id).await,
            Ok(Lookup::Authoritative(stored)) => Ok(stored),
            Err(error) => Err(error),
        };
        let stored = match stored {
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                return self.handle_unreadable(id, Error::from(error)).await;
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
                KeyStatus::Valid => self.maintain(caller, record, now).await,
                status => self.refuse(&caller, status).await,
            },
        }
    }

    /// Reports a key that opens nothing, and decides what the request sees.
    async fn refuse(&self, caller: &Caller, status: KeyStatus) -> Result<OpenOutcome<V>, Error> {
        let Caller { can_renew, client, .. } = *caller;
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
                // A bearer key is never renewed on a timer, so its client cannot have fallen
                // behind: only report it.
                Ok(match self.reuse.reaction {
                    Reaction::End if can_renew => {
                        self.end(id, EndReason::KeyReused).await?;
                        OpenOutcome::Absent(NoSession::Ended(EndReason::KeyReused))
                    }
                    Reaction::Refuse if can_renew => OpenOutcome::Reused,
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

    /// Decodes the value of a live session, then renews its key or records the use if that is due.
    async fn maintain(
        &self,
        caller: Caller,
        record: Record,
        now: Timestamp,
    ) -> Result<OpenOutcome<V>, Error> {
        let value = match self.decode(caller.key.id(), record.payload()) {
            Ok(value) => value,
            Err(error) => {
                return self.handle_unreadable(caller.key.id(), Error::corrupt(error)).await;
            }
        };
        let Caller { key, verifier, can_renew, client } = caller;
        let step =
            if can_renew { protocol::renewal(&record, &verifier, now) } else { Renewal::Nothing };
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
                return Ok(Self::resend_key(loaded, now));
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
        let revision = record.revision().next(self.tokens.next());
        let next = next.edited(|fields| fields.revision = revision);
        match self.store.replace(id, record.revision(), next.clone()).await {
            Ok(Swap::Done) => {
                let loaded =
                    LoadedSession { credential: Credential::Key(key), record: next, value };
                Ok(self.after_renewal(loaded, next_key, now))
            }
            Ok(Swap::Stale(current)) => {
                self.open_after_lost_race(Caller { key, verifier, can_renew, client }, current)
                    .await
            }
            Ok(Swap::Gone) => {
                self.open_after_end(LoadedSession {
                    credential: Credential::Key(key),
                    record,
                    value,
                })
                .await
            }
            // The read itself succeeded, so it stands. The next request tries again.
            Err(_) => Ok(OpenOutcome::Live(
                LoadedSession { credential: Credential::Key(key), record, value },
                CookieChange::Keep,
            )),
        }
    }

    /// The result of a renewal step that was written.
    fn after_renewal(
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

    /// Sends the next key again, derived from the record: the client does not have it yet.
    fn resend_key(loaded: LoadedSession<V>, now: Timestamp) -> OpenOutcome<V> {
        match loaded.key().and_then(|key| protocol::next_key(&loaded.record, key)) {
            Some(next) => Self::with_key(loaded, next, now),
            None => OpenOutcome::Live(loaded, CookieChange::Keep),
        }
    }

    fn with_key(loaded: LoadedSession<V>, key: Key, now: Timestamp) -> OpenOutcome<V> {
        let cookie = CookieChange::send(key.clone(), &loaded.record, now);
        OpenOutcome::Live(LoadedSession { credential: Credential::Key(key), ..loaded }, cookie)
    }

    /// Opens the session as another write has left it, which came before our renewal step. At most,
    /// the next key is sent again.
    async fn open_after_lost_race(
        &self,
        caller: Caller,
        record: Record,
    ) -> Result<OpenOutcome<V>, Error> {
        let now = self.now();
        let id = caller.key.id();
        let status = self.judge(&record, &caller.verifier, now);
        if status != KeyStatus::Valid {
            return self.refuse(&caller, status).await;
        }
        let value = match self.decode(id, record.payload()) {
            Ok(value) => value,
            Err(error) => return self.handle_unreadable(id, Error::corrupt(error)).await,
        };
        let step = protocol::renewal(&record, &caller.verifier, now);
        let loaded = LoadedSession { credential: Credential::Key(caller.key), record, value };
        Ok(match step {
            Renewal::Resend => Self::resend_key(loaded, now),
            _ => OpenOutcome::Live(loaded, CookieChange::Keep),
        })
    }

    /// Reads the session again: it was not in the store when a renewal step was to be written.
    async fn open_after_end(&self, loaded: LoadedSession<V>) -> Result<OpenOutcome<V>, Error> {
        match self.reread(&loaded).await {
            Ok(loaded) => Ok(OpenOutcome::Live(loaded, CookieChange::Keep)),
            Err(error) if error.kind() == ErrorKind::Superseded => Ok(OpenOutcome::Superseded),
            Err(error) => match error.no_session() {
                Some(no_session) => Ok(OpenOutcome::Absent(no_session)),
                None => Err(error),
            },
        }
    }

    /// Records the use of the session, if the last one was recorded long enough ago.
    async fn touch(&self, id: PublicId, record: Record, now: Timestamp) -> Record {
        let Some(deadline) = protocol::touch_due(&record, now) else {
            return record;
        };
        match self.store.touch(id, record.revision(), deadline).await {
            Ok(true) => record.with_idle_deadline(deadline),
            Ok(false) | Err(_) => record,
        }
    }

    /// Treats a session that cannot be decoded as the policy says. Its record is never overwritten.
    async fn handle_unreadable(&self, id: PublicId, error: Error) -> Result<OpenOutcome<V>, Error> {
        match self.unreadable {
            UnreadablePolicy::SetAside => {}
            UnreadablePolicy::Refuse => return Err(error),
            UnreadablePolicy::End => self.end(id, EndReason::Ended).await?,
        }
        Ok(OpenOutcome::Absent(NoSession::Unreadable))
    }
}
