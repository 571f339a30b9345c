//! From a presented key to a session, with the upkeep that this request is asked to do.

use std::net::IpAddr;

use super::{Claim, Held, Manager, UndecodablePolicy};
use crate::error::{Error, ErrorKind};
use crate::guesses::Source;
use crate::io::Io;
use crate::key::{Key, SessionId, Verifier};
use crate::observer::Event;
use crate::protocol::{self, CookieChange, Standing, Upkeep, Vacancy};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Recalled, StoreError, StoreErrorKind, Swap};
use crate::theft::Reaction;
use crate::time::Timestamp;
use crate::value::Value;

/// What a presented key opened.
pub(crate) enum Opened<V> {
    /// A session, and what it asks to be done to the cookie.
    Live(Held<V>, CookieChange),
    Vacant(Vacancy),
    Superseded,
    /// A copy that the policy refuses: as if superseded, and the cookie may go.
    Copied,
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
pub(crate) type Asked<'a> = (Caller, Io<'a, Result<Recalled, StoreError>>);

impl<V: Value> Manager<V> {
    /// Asks the store about the session that `key` names.
    pub(crate) fn ask(&self, key: Key, renews: bool, client: Option<IpAddr>) -> Asked<'_> {
        let (id, verifier) = (key.id(), self.verifier(&key));
        (Caller { key, verifier, renews, client }, self.store.recall(id))
    }

    /// Opens a session that needs neither another word of the store nor a note: as nearly all do, nearly always.
    pub(crate) fn open_at_once(
        &self,
        caller: Caller,
        recalled: Result<Recalled, StoreError>,
    ) -> Result<Held<V>, (Caller, Result<Recalled, StoreError>)> {
        let value = match &recalled {
            Ok(Recalled::Fresh(Some(Stored::Live(record))) | Recalled::Remembered(record))
                if protocol::opens_quietly(record, &caller.verifier, caller.renews, self.now()) =>
            {
                record.payload().open(&self.coding).ok()
            }
            _ => None,
        };
        match (value, recalled) {
            (Some(value), Ok(Recalled::Fresh(Some(Stored::Live(record))) | Recalled::Remembered(record))) => {
                Ok(Held { claim: Claim::Key(caller.key), record, value })
            }
            (_, recalled) => Err((caller, recalled)),
        }
    }

    /// Opens what the caller's key opens, by what the store answered.
    ///
    /// No round trip, or one when a touch or a step of a renewal is due; those may fail without harm.
    pub(crate) async fn open(
        &self,
        caller: Caller,
        recalled: Result<Recalled, StoreError>,
    ) -> Result<Opened<V>, Error> {
        let id = caller.key.id();
        let stored = match recalled {
            // What a near cache remembers will do if it opens: it may say yes, never no.
            Ok(Recalled::Remembered(record))
                if self.judge(&record, &caller.verifier, self.now()) == Standing::Live =>
            {
                let now = self.now();
                return self.keep_up(caller, record, now).await;
            }
            Ok(Recalled::Remembered(_)) => self.store.get(id).await,
            Ok(Recalled::Fresh(stored)) => Ok(stored),
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
            None => self.refuse(&caller, Standing::Vacant(Vacancy::Unknown)).await,
            Some(Stored::Ended(tombstone)) => {
                self.refuse(&caller, protocol::judge_ended(&tombstone, &caller.verifier)).await
            }
            Some(Stored::Live(record)) => match self.judge(&record, &caller.verifier, now) {
                Standing::Live => self.keep_up(caller, record, now).await,
                standing => self.refuse(&caller, standing).await,
            },
        }
    }

    /// Refuses a client of which the application has had enough.
    pub(crate) fn admit_client(&self, client: Option<IpAddr>) -> Result<(), Error> {
        let Some((throttle, address)) = self.throttle.as_ref().zip(client) else { return Ok(()) };
        let guesses = self.guesses.count(Source::of(address), self.now());
        if guesses == 0 || throttle(address, guesses) {
            return Ok(());
        }
        self.observe(&Event::Throttled { address, guesses });
        Err(Error::new(ErrorKind::Throttled))
    }

    /// Reports and answers a key that opens nothing.
    async fn refuse(&self, caller: &Caller, standing: Standing) -> Result<Opened<V>, Error> {
        let Caller { renews, client, .. } = *caller;
        let id = caller.key.id();
        match standing {
            Standing::Live | Standing::Superseded => {
                self.observe(&Event::ReplacedSecret { id });
                Ok(Opened::Superseded)
            }
            Standing::Vacant(vacancy) => {
                self.report(id, vacancy, client);
                Ok(Opened::Vacant(vacancy))
            }
            Standing::Stolen => {
                self.observe(&Event::StolenSecret { id });
                // A bearer token is never renewed, so its client can't have fallen behind: only report.
                Ok(match self.theft.reaction {
                    Reaction::End if renews => {
                        self.end(id, EndReason::Stolen).await?;
                        Opened::Vacant(Vacancy::Ended(EndReason::Stolen))
                    }
                    Reaction::Refuse if renews => Opened::Copied,
                    _ => Opened::Vacant(Vacancy::Replaced),
                })
            }
        }
    }

    /// Reports a key that opens nothing, and counts it if it never did.
    fn report(&self, id: SessionId, vacancy: Vacancy, client: Option<IpAddr>) {
        let now = self.now();
        let by_client = || client.map_or(0, |client| self.guesses.note(Source::of(client), now));
        match vacancy {
            Vacancy::Unknown => self.observe(&Event::UnknownKey { id, guesses: by_client() }),
            Vacancy::WrongSecret => {
                by_client();
                let guesses = self.guesses.note(Source::Session(id), now);
                self.observe(&Event::WrongSecret { id, guesses });
            }
            Vacancy::Replaced => self.observe(&Event::ReplacedSecret { id }),
            Vacancy::Expired => self.observe(&Event::UseAfterEnd { id, reason: None }),
            Vacancy::Ended(reason) => self.observe(&Event::UseAfterEnd { id, reason: Some(reason) }),
            _ => {}
        }
    }

    /// Decodes the value of a live session, then does what its renewal and idle timeout ask for.
    async fn keep_up(&self, caller: Caller, record: Record, now: Timestamp) -> Result<Opened<V>, Error> {
        let value = match self.decode(caller.key.id(), record.payload()) {
            Ok(value) => value,
            Err(error) => return self.set_aside(caller.key.id(), Error::corrupt(error)).await,
        };
        let Caller { key, verifier, renews, client } = caller;
        let step = if renews { protocol::upkeep(&record, &verifier, now) } else { Upkeep::Nothing };
        let id = key.id();
        let next = match step {
            Upkeep::Nothing => {
                let (record, claim) = (self.touch(id, record, now).await, Claim::Key(key));
                return Ok(Opened::Live(Held { claim, record, value }, CookieChange::Keep));
            }
            Upkeep::HandOver => {
                let (record, claim) = (self.touch(id, record, now).await, Claim::Key(key));
                let held = Held { claim, record, value };
                return Ok(Self::hand_over(held, now));
            }
            Upkeep::Begin => {
                let (next, next_key) = protocol::begin_renewal(&record, &key, self.kind, self.nonce()?, now);
                (next, Some(next_key))
            }
            Upkeep::Sight => (protocol::sight(&record, now), None),
            Upkeep::Retire => (protocol::retire(&record, now), None),
        };
        let (next, next_key) = next;
        let revision = record.revision().next(self.tokens.draw());
        let next = next.edited(|facts| facts.revision = revision);
        match self.store.replace(id, record.revision(), next.clone()).await {
            Ok(Swap::Done) => {
                let held = Held { claim: Claim::Key(key), record: next, value };
                Ok(self.kept_up(held, next_key, now))
            }
            Ok(Swap::Stale(current)) => {
                self.overtaken(Caller { key, verifier, renews, client }, current).await
            }
            Ok(Swap::Gone) => self.gone(Held { claim: Claim::Key(key), record, value }).await,
            // The read this write rides on succeeded, and stands. The next request tries again.
            Err(_) => Ok(Opened::Live(Held { claim: Claim::Key(key), record, value }, CookieChange::Keep)),
        }
    }

    /// A step of upkeep was written.
    fn kept_up(&self, held: Held<V>, next_key: Option<Key>, now: Timestamp) -> Opened<V> {
        let Some(next_key) = next_key else {
            return Opened::Live(held, CookieChange::Keep);
        };
        self.observe(&Event::Renewed { id: next_key.id() });
        Self::with_key(held, next_key, now)
    }

    /// The visitor has not got the next key yet: gives it again, from the record alone.
    fn hand_over(held: Held<V>, now: Timestamp) -> Opened<V> {
        match held.key().and_then(|key| protocol::next_key(&held.record, key)) {
            Some(next) => Self::with_key(held, next, now),
            None => Opened::Live(held, CookieChange::Keep),
        }
    }

    fn with_key(held: Held<V>, key: Key, now: Timestamp) -> Opened<V> {
        let cookie = CookieChange::send(key.clone(), &held.record, now);
        Opened::Live(Held { claim: Claim::Key(key), ..held }, cookie)
    }

    /// Another write came before our upkeep: looks at what stands there now, and does no more than hand over.
    async fn overtaken(&self, caller: Caller, record: Record) -> Result<Opened<V>, Error> {
        let now = self.now();
        let id = caller.key.id();
        let standing = self.judge(&record, &caller.verifier, now);
        if standing != Standing::Live {
            return self.refuse(&caller, standing).await;
        }
        let value = match self.decode(id, record.payload()) {
            Ok(value) => value,
            Err(error) => return self.set_aside(id, Error::corrupt(error)).await,
        };
        let step = protocol::upkeep(&record, &caller.verifier, now);
        let held = Held { claim: Claim::Key(caller.key), record, value };
        Ok(match step {
            Upkeep::HandOver => Self::hand_over(held, now),
            _ => Opened::Live(held, CookieChange::Keep),
        })
    }

    /// The session ended while it was opened.
    async fn gone(&self, held: Held<V>) -> Result<Opened<V>, Error> {
        match self.reread(&held).await {
            Ok(held) => Ok(Opened::Live(held, CookieChange::Keep)),
            Err(error) if error.kind() == ErrorKind::Superseded => Ok(Opened::Superseded),
            Err(error) => match error.vacancy() {
                Some(vacancy) => Ok(Opened::Vacant(vacancy)),
                None => Err(error),
            },
        }
    }

    /// Notes the use of the session if the last one noted is long enough ago.
    async fn touch(&self, id: SessionId, record: Record, now: Timestamp) -> Record {
        let Some(deadline) = protocol::touch_due(&record, now) else {
            return record;
        };
        match self.store.touch(id, record.revision(), deadline).await {
            Ok(true) => record.with_idle_deadline(deadline),
            Ok(false) | Err(_) => record,
        }
    }

    /// Treats a session that can't be decoded as the policy says. Nothing is ever written over it.
    async fn set_aside(&self, id: SessionId, error: Error) -> Result<Opened<V>, Error> {
        match self.undecodable {
            UndecodablePolicy::SetAside => {}
            UndecodablePolicy::Refuse => return Err(error),
            UndecodablePolicy::End => self.end(id, EndReason::Ended).await?,
        }
        Ok(Opened::Vacant(Vacancy::Undecodable))
    }
}
