//! From a presented key to a session, with the upkeep that this request is asked to do.

use std::net::IpAddr;

use super::{Claim, Held, Manager, UndecodablePolicy};
use crate::error::{Error, ErrorKind};
use crate::guesses::Source;
use crate::key::{Key, SessionId, Verifier};
use crate::observer::Event;
use crate::protocol::{self, CookieChange, Standing, Upkeep, Vacancy};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Recalled, StoreErrorKind, Swap};
use crate::theft::Reaction;
use crate::time::Timestamp;
use crate::value::Value;

/// What a presented key opened.
#[expect(clippy::large_enum_variant, reason = "passed by value, once, and live in the common case")]
pub(crate) enum Opened<V> {
    /// A session, and what it asks to be done to the cookie.
    Live(Held<V>, CookieChange),
    Vacant(Vacancy),
    Superseded,
    /// A copy that the policy refuses: as if superseded, and the cookie may go.
    Copied,
}

/// A live record that the key opens, before its value was decoded.
struct Found {
    key: Key,
    verifier: Verifier,
    record: Record,
    /// Who presents the key, if that is known.
    client: Option<IpAddr>,
}

impl<V: Value> Manager<V> {
    /// Opens what `key` opens; `renews` says whether the client can be sent a renewed key.
    ///
    /// One round trip, and one more when a touch or a step of a renewal is due; those may fail without harm.
    pub(crate) async fn open(
        &self,
        key: Key,
        renews: bool,
        client: Option<IpAddr>,
    ) -> Result<Opened<V>, Error> {
        let id = key.id();
        let verifier = self.verifier(&key);
        let stored = match self.store.recall(id).await {
            // What a near cache remembers will do if it opens: it may say yes, never no.
            Ok(Recalled::Remembered(record))
                if self.judge(&record, &verifier, self.now()) == Standing::Live =>
            {
                let now = self.now();
                return self.keep_up(Found { key, verifier, record, client }, renews, now).await;
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
            None => self.refuse(id, Standing::Vacant(Vacancy::Unknown), renews, client).await,
            Some(Stored::Ended(tombstone)) => {
                self.refuse(id, protocol::judge_ended(&tombstone, &verifier), renews, client).await
            }
            Some(Stored::Live(record)) => match self.judge(&record, &verifier, now) {
                Standing::Live => self.keep_up(Found { key, verifier, record, client }, renews, now).await,
                standing => self.refuse(id, standing, renews, client).await,
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
    async fn refuse(
        &self,
        id: SessionId,
        standing: Standing,
        renews: bool,
        client: Option<IpAddr>,
    ) -> Result<Opened<V>, Error> {
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
    async fn keep_up(&self, found: Found, renews: bool, now: Timestamp) -> Result<Opened<V>, Error> {
        let value = match self.decode(found.key.id(), &found.record.payload) {
            Ok(value) => value,
            Err(error) => return self.set_aside(found.key.id(), Error::corrupt(error)).await,
        };
        let step =
            if renews { protocol::upkeep(&found.record, &found.verifier, now) } else { Upkeep::Nothing };
        let Found { key, verifier, record, client } = found;
        let claim = Claim::Secret(verifier);
        let next = match step {
            Upkeep::Nothing => {
                let record = self.touch(key.id(), record, now).await;
                return Ok(Opened::Live(Held { key, claim, record, value }, CookieChange::Keep));
            }
            Upkeep::HandOver => {
                let record = self.touch(key.id(), record, now).await;
                let held = Held { key, claim, record, value };
                return Ok(self.hand_over(held, now));
            }
            Upkeep::Begin => {
                let (next, next_key) = protocol::begin_renewal(&record, &key, self.kind, self.nonce()?, now);
                (next, Some(next_key))
            }
            Upkeep::Sight => (protocol::sight(&record, now), None),
            Upkeep::Retire => (protocol::retire(&record, now), None),
        };
        let (mut next, next_key) = next;
        next.revision = record.revision.next(self.tokens.draw());
        match self.store.replace(key.id(), record.revision, next.clone()).await {
            Ok(Swap::Done) => Ok(self.kept_up(Held { key, claim, record: next, value }, next_key, now)),
            Ok(Swap::Stale(current)) => {
                self.overtaken(Found { key, verifier, record: current, client }, renews).await
            }
            Ok(Swap::Gone) => self.gone(Held { key, claim, record, value }).await,
            // The read this write rides on succeeded, and stands. The next request tries again.
            Err(_) => Ok(Opened::Live(Held { key, claim, record, value }, CookieChange::Keep)),
        }
    }

    /// A step of upkeep was written.
    fn kept_up(&self, held: Held<V>, next_key: Option<Key>, now: Timestamp) -> Opened<V> {
        let Some(next_key) = next_key else {
            return Opened::Live(held, CookieChange::Keep);
        };
        self.observe(&Event::Renewed { id: next_key.id() });
        self.with_key(held, next_key, now)
    }

    /// The visitor has not got the next key yet: gives it again, from the record alone.
    fn hand_over(&self, held: Held<V>, now: Timestamp) -> Opened<V> {
        match protocol::next_key(&held.record, &held.key) {
            Some(next) => self.with_key(held, next, now),
            None => Opened::Live(held, CookieChange::Keep),
        }
    }

    fn with_key(&self, held: Held<V>, key: Key, now: Timestamp) -> Opened<V> {
        let cookie = CookieChange::send(key.clone(), &held.record, now);
        Opened::Live(Held { claim: Claim::Secret(self.verifier(&key)), key, ..held }, cookie)
    }

    /// Another write came before our upkeep: looks at what stands there now, and does no more than hand over.
    async fn overtaken(&self, found: Found, renews: bool) -> Result<Opened<V>, Error> {
        let now = self.now();
        let id = found.key.id();
        let standing = self.judge(&found.record, &found.verifier, now);
        if standing != Standing::Live {
            return self.refuse(id, standing, renews, found.client).await;
        }
        let value = match self.decode(id, &found.record.payload) {
            Ok(value) => value,
            Err(error) => return self.set_aside(id, Error::corrupt(error)).await,
        };
        let step = protocol::upkeep(&found.record, &found.verifier, now);
        let Found { key, verifier, record, .. } = found;
        let claim = Claim::Secret(verifier);
        let held = Held { key, claim, record, value };
        Ok(match step {
            Upkeep::HandOver => self.hand_over(held, now),
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
        match self.store.touch(id, record.revision, deadline).await {
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
