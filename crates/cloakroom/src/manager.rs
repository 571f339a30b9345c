//! The protocol given effects: the one place where keys meet the clock, the randomness and the store.

mod create;
mod detached;
mod keyed_lock;
mod list;
mod loaded;
mod login;
mod open;
mod summary;
mod write;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use create::{Created, Guest, MAX_ID_ATTEMPTS, NewSession};
pub(crate) use keyed_lock::{KeyedGuard, KeyedLock};
pub(crate) use loaded::{Credential, LoadedSession};
pub(crate) use open::{OpenOutcome, PendingLookup};
pub use summary::Summary;
use write::ATTEMPTS;
pub(crate) use write::{Attempt, Draft, Plan, Written};

use crate::error::{Error, ErrorKind};
use crate::http::{Channel, ClientPolicy};
use crate::key::{Entropy, Key, KindTag, Nonce, PublicId, Secret, Verifier, random};
use crate::observe::{Event, Observer};
use crate::policy::{Lifetime, Principal, ReusePolicy, SessionLimit, UnreadablePolicy};
use crate::protocol::{self, KeyStatus, NoSession};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Ended, Io, Store, Swap};
use crate::time::{Clock, Timestamp};
use crate::value::{CodecError, Coding, Payload, SessionValue, TypedValue};
use zeroize::Zeroize;

/// What all handles of one kind of session share.
pub(crate) struct Manager<V> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) channel: Channel,
    pub(crate) coding: Arc<Coding<V>>,
    /// What visitors without a session see.
    pub(crate) default_value: Arc<TypedValue<V>>,
    pub(crate) lifetime: Mutex<Lifetime>,
    pub(crate) kind: KindTag,
    pub(crate) reuse: ReusePolicy,
    pub(crate) unreadable: UnreadablePolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observers: Box<[Box<dyn Observer>]>,
    pub(crate) clients: Option<ClientPolicy>,
    pub(crate) limit: Option<SessionLimit>,
    /// Where writers that lost a race for a session queue.
    pub(crate) keyed_lock: KeyedLock<PublicId>,
    /// Where logins of a limited principal queue.
    pub(crate) logins: KeyedLock<Principal>,
    pub(crate) tokens: Tokens,
}

impl<V: SessionValue> Manager<V> {
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
    pub(crate) fn typed_value(&self, value: V) -> Arc<TypedValue<V>> {
        Arc::new(TypedValue { value, coding: Arc::clone(&self.coding) })
    }

    fn decode(
        &self,
        id: PublicId,
        payload: &Payload,
    ) -> Result<Option<Arc<TypedValue<V>>>, CodecError> {
        payload
            .open(&self.coding)
            .inspect_err(|error| self.observe(&Event::Unreadable { id, error }))
    }

    /// What the key with this verifier is, by this manager's notion of reuse.
    fn judge(&self, record: &Record, verifier: &Verifier, now: Timestamp) -> KeyStatus {
        protocol::judge_with(record, verifier, self.reuse.after, now)
    }

    /// Whether the session is still open to whoever holds it.
    fn judge_credential(&self, record: &Record, credential: &Credential) -> KeyStatus {
        match credential {
            Credential::Key(key) => self.judge(record, &self.verifier(key), self.now()),
            Credential::KeyFamily(_, family) => protocol::judge_family(record, *family, self.now()),
        }
    }

    /// Ends session `id`; absent or ended is success.
    pub(crate) async fn end(&self, id: PublicId, reason: EndReason) -> Result<(), Error> {
        let ended = self.store.end(id, protocol::end(reason, self.now())).await?;
        if ended == Ended::Now {
            self.observe(&Event::Ended { id, reason });
        }
        Ok(())
    }

    /// Ends the session that a request holds, unless its key was replaced meanwhile; gone or ended is success.
    pub(crate) async fn end_held(
        &self,
        loaded: &LoadedSession<V>,
        reason: EndReason,
    ) -> Result<(), Error> {
        let id = loaded.id();
        let ending = protocol::end(reason, self.now());
        let mut expected = loaded.record.revision();
        for _ in 0..ATTEMPTS {
            match self.store.end_if(id, expected, ending).await? {
                Swap::Done => {
                    self.observe(&Event::Ended { id, reason });
                    return Ok(());
                }
                Swap::Gone => return Ok(()),
                Swap::Stale(current) => match self.judge_credential(&current, &loaded.credential) {
                    KeyStatus::Valid => expected = current.revision(),
                    KeyStatus::Invalid(NoSession::Expired) => return Ok(()),
                    KeyStatus::Invalid(no_session) => return Err(Error::not_found(no_session)),
                    KeyStatus::Superseded | KeyStatus::Reused => {
                        return Err(Error::new(ErrorKind::Superseded));
                    }
                },
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// The session that this credential holds in a record just read, or why there is none.
    fn recognise(
        &self,
        credential: &Credential,
        record: Record,
    ) -> Result<LoadedSession<V>, Error> {
        match self.judge_credential(&record, credential) {
            KeyStatus::Valid => {
                let value =
                    self.decode(credential.id(), record.payload()).map_err(Error::corrupt)?;
                Ok(LoadedSession { credential: credential.clone(), record, value })
            }
            KeyStatus::Invalid(no_session) => Err(Error::not_found(no_session)),
            KeyStatus::Superseded => Err(Error::new(ErrorKind::Superseded)),
            KeyStatus::Reused => Err(Error::not_found(NoSession::Retired)),
        }
    }

    /// Reads the session again that `loaded` is a copy of.
    pub(crate) fn reread<'a>(
        &'a self,
        loaded: &LoadedSession<V>,
    ) -> Io<'a, Result<LoadedSession<V>, Error>> {
        let (credential, reading) = (loaded.credential.clone(), self.store.get(loaded.id()));
        Io::future(async move { self.found(&credential, reading.await?) })
    }

    /// What the store's answer is for this credential.
    fn found(
        &self,
        credential: &Credential,
        stored: Option<Stored>,
    ) -> Result<LoadedSession<V>, Error> {
        match (stored, credential) {
            (Some(Stored::Live(record)), _) => self.recognise(credential, record),
            (Some(Stored::Ended(tombstone)), Credential::Key(key)) => {
                match protocol::judge_ended(&tombstone, &self.verifier(key)) {
                    KeyStatus::Invalid(no_session) => Err(Error::not_found(no_session)),
                    _ => Err(Error::not_found(NoSession::Unknown)),
                }
            }
            // No stranger comes with a family: the application took it from an open session.
            (Some(Stored::Ended(tombstone)), Credential::KeyFamily(..)) => {
                Err(Error::not_found(NoSession::Ended(tombstone.ending().reason)))
            }
            (None, _) => Err(Error::not_found(NoSession::Unknown)),
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
