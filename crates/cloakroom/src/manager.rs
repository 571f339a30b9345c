//! The protocol given effects: the one place where keys meet the clock, the randomness and the store.

mod admission;
mod attending;
mod creation;
mod held;
mod opening;
mod roster;
mod writing;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use creation::{Beginning, Created, Guest, MINTS};
pub(crate) use held::{Claim, Held};
pub(crate) use opening::{Asked, Opened};
use writing::ATTEMPTS;
pub(crate) use writing::{Attempt, Draft, Plan, Written};

use crate::client::ClientPolicy;
use crate::codec::{CodecError, Coding};
use crate::entropy::{Entropy, random};
use crate::error::{Error, ErrorKind};
use crate::guesses::Guesses;
use crate::io::Io;
use crate::key::{Key, KindTag, Nonce, Secret, SessionId, Verifier};
use crate::lifetime::Lifetime;
use crate::limit::Limit;
use crate::observer::{Event, Observer};
use crate::payload::{Holder, Payload};
use crate::principal::Principal;
use crate::protocol::{self, Standing, Vacancy};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Ended, Store, Swap};
use crate::theft::TheftPolicy;
use crate::time::{Clock, Timestamp};
use crate::transport::Channel;
use crate::turnstile::Turnstile;
use crate::value::Value;
use zeroize::Zeroize;

/// What is done with a session whose value can't be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UndecodablePolicy {
    /// Treat the visitor as one without a session and leave the record as it is, until it expires.
    #[default]
    SetAside,
    /// Answer with an error, each time.
    Refuse,
    /// End the session.
    End,
}

/// True for a client whose keys are still looked up: its address, and how many of them opened nothing within a minute.
pub(crate) type Throttle = dyn Fn(IpAddr, u32) -> bool + Send + Sync;

/// What all handles of one kind of session share.
pub(crate) struct Manager<V> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) channel: Channel,
    pub(crate) coding: Arc<Coding<V>>,
    /// What visitors without a session see.
    pub(crate) blank: Arc<Holder<V>>,
    pub(crate) lifetime: Mutex<Lifetime>,
    pub(crate) kind: KindTag,
    pub(crate) theft: TheftPolicy,
    pub(crate) undecodable: UndecodablePolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observers: Box<[Box<dyn Observer>]>,
    pub(crate) clients: Option<ClientPolicy>,
    pub(crate) throttle: Option<Box<Throttle>>,
    pub(crate) guesses: Guesses,
    pub(crate) limit: Option<Limit>,
    /// Where writers that lost a race for a session queue.
    pub(crate) turnstile: Turnstile<SessionId>,
    /// Where logins of a limited principal queue.
    pub(crate) logins: Turnstile<Principal>,
    pub(crate) tokens: Tokens,
}

impl<V: Value> Manager<V> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn observe(&self, event: &Event<'_>) {
        for observer in &self.observers {
            observer.observe(event);
        }
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key for a session that does not exist yet.
    pub(crate) fn mint(&self) -> Result<Key, Error> {
        let mut bytes: [u8; 32] = random(&*self.entropy).map_err(Error::no_randomness)?;
        let key = Key::from_bytes(bytes);
        // The half that is secret.
        bytes[16..].zeroize();
        Ok(key)
    }

    /// A fresh secret for a session that exists.
    pub(crate) fn secret(&self) -> Result<Secret, Error> {
        random(&*self.entropy).map(Secret::from_bytes).map_err(Error::no_randomness)
    }

    pub(crate) fn nonce(&self) -> Result<Nonce, Error> {
        random(&*self.entropy).map(Nonce::from_bytes).map_err(Error::no_randomness)
    }

    pub(crate) fn verifier(&self, key: &Key) -> Verifier {
        key.verifier(self.kind)
    }

    /// The value beside its coding.
    pub(crate) fn holder(&self, value: V) -> Arc<Holder<V>> {
        Arc::new(Holder { value, coding: Arc::clone(&self.coding) })
    }

    fn decode(&self, id: SessionId, payload: &Payload) -> Result<Option<Arc<Holder<V>>>, CodecError> {
        payload.open(&self.coding).inspect_err(|error| self.observe(&Event::Undecodable { id, error }))
    }

    /// What the key with this verifier is, by this manager's notion of theft.
    fn judge(&self, record: &Record, verifier: &Verifier, now: Timestamp) -> Standing {
        protocol::judge_by(record, verifier, self.theft.after, now)
    }

    /// Whether the session is still open to whoever holds it.
    fn judge_claim(&self, record: &Record, claim: &Claim) -> Standing {
        match claim {
            Claim::Key(key) => self.judge(record, &self.verifier(key), self.now()),
            Claim::Lineage(_, lineage) => protocol::judge_lineage(record, *lineage, self.now()),
        }
    }

    /// Ends session `id`; absent or ended is success.
    pub(crate) async fn end(&self, id: SessionId, reason: EndReason) -> Result<(), Error> {
        let ended = self.store.end(id, protocol::end(reason, self.now())).await?;
        if ended == Ended::Now {
            self.observe(&Event::Ended { id, reason });
        }
        Ok(())
    }

    /// Ends the session that a request holds, unless its key was replaced meanwhile; gone or ended is success.
    pub(crate) async fn end_held(&self, held: &Held<V>, reason: EndReason) -> Result<(), Error> {
        let id = held.id();
        let ending = protocol::end(reason, self.now());
        let mut expected = held.record.revision();
        for _ in 0..ATTEMPTS {
            match self.store.end_at(id, expected, ending).await? {
                Swap::Done => {
                    self.observe(&Event::Ended { id, reason });
                    return Ok(());
                }
                Swap::Gone => return Ok(()),
                Swap::Stale(current) => match self.judge_claim(&current, &held.claim) {
                    Standing::Live => expected = current.revision(),
                    Standing::Vacant(Vacancy::Expired) => return Ok(()),
                    Standing::Vacant(vacancy) => return Err(Error::vacant(vacancy)),
                    Standing::Superseded | Standing::Stolen => return Err(Error::new(ErrorKind::Superseded)),
                },
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// The session that this claim holds in a record just read, or why there is none.
    fn recognise(&self, claim: &Claim, record: Record) -> Result<Held<V>, Error> {
        match self.judge_claim(&record, claim) {
            Standing::Live => {
                let value = self.decode(claim.id(), record.payload()).map_err(Error::corrupt)?;
                Ok(Held { claim: claim.clone(), record, value })
            }
            Standing::Vacant(vacancy) => Err(Error::vacant(vacancy)),
            Standing::Superseded => Err(Error::new(ErrorKind::Superseded)),
            Standing::Stolen => Err(Error::vacant(Vacancy::Replaced)),
        }
    }

    /// Reads the session again that `held` is a copy of.
    pub(crate) fn reread<'a>(&'a self, held: &Held<V>) -> Io<'a, Result<Held<V>, Error>> {
        let (claim, reading) = (held.claim.clone(), self.store.get(held.id()));
        Io::future(async move { self.found(&claim, reading.await?) })
    }

    /// What the store's answer is for this claim.
    fn found(&self, claim: &Claim, stored: Option<Stored>) -> Result<Held<V>, Error> {
        match (stored, claim) {
            (Some(Stored::Live(record)), _) => self.recognise(claim, record),
            (Some(Stored::Ended(tombstone)), Claim::Key(key)) => {
                match protocol::judge_ended(&tombstone, &self.verifier(key)) {
                    Standing::Vacant(vacancy) => Err(Error::vacant(vacancy)),
                    _ => Err(Error::vacant(Vacancy::Unknown)),
                }
            }
            // No stranger comes with a lineage: the application took it from an open session.
            (Some(Stored::Ended(tombstone)), Claim::Lineage(..)) => {
                Err(Error::vacant(Vacancy::Ended(tombstone.ending().reason)))
            }
            (None, _) => Err(Error::vacant(Vacancy::Unknown)),
        }
    }
}

/// Tokens of writes: different for every write of this process, and as good as random between processes.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    drawn: AtomicU64,
}

impl Tokens {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }

    /// `SplitMix64` over a counter: a bijection, so no token of this process comes twice.
    pub(crate) fn draw(&self) -> u64 {
        let count = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut token = self.seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        token = (token ^ (token >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        token = (token ^ (token >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        token ^ (token >> 31)
    }
}
