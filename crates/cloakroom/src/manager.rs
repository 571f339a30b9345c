//! Carries out the protocol: the one place where keys meet the clock, randomness and the store.

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

pub(crate) use create::{CreateOptions, Created, MAX_ID_ATTEMPTS, NewSession};
pub(crate) use keyed_lock::{KeyedGuard, KeyedLock};
pub(crate) use loaded::{Credential, LoadedSession};
pub(crate) use open::{OpenOutcome, PendingLookup};
pub use summary::Summary;
use write::MAX_ATTEMPTS;
pub(crate) use write::{Attempt, Draft, Plan, PlanFn, Written};

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
    /// The value of a request without a session.
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
    /// Where writers that have lost a race for a session wait for one another.
    pub(crate) writers: KeyedLock<PublicId>,
    /// Where sign-ins of a principal with a session limit wait for one another.
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
        let mut bytes: [u8; 32] = random(&*self.entropy).map_err(Error::unavailable)?;
        let key = Key::from_bytes(bytes);
        // The second half is the secret.
        bytes[16..].zeroize();
        Ok(key)
    }

    /// A fresh secret for a session that exists.
    pub(crate) fn secret(&self) -> Result<Secret, Error> {
        random(&*self.entropy).map(Secret::from_bytes).map_err(Error::unavailable)
    }

    pub(crate) fn nonce(&self) -> Result<Nonce, Error> {
        random(&*self.entropy).map(Nonce::from_bytes).map_err(Error::unavailable)
    }

    pub(crate) fn verifier(&self, key: &Key) -> Verifier {
        key.verifier(self.kind)
    }

    /// The value together with its coding.
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

    /// The status of the key with this verifier, by this manager's reuse policy.
    fn judge(&self, record: &Record, verifier: &Verifier, now: Timestamp) -> KeyStatus {
        protocol::judge_with(record, verifier, self.reuse.after, now)
    }

    /// The status of the credential for this record.
    fn judge_credential(&self, record: &Record, credential: &Credential) -> KeyStatus {
        match credential {
            Credential::Key(key) => self.judge(record, &self.verifier(key), self.now()),
            Credential::KeyFamily(_, family) => protocol::judge_family(record, *family, self.now()),
        }
    }

    /// Ends session `id`. A session that is gone or has ended counts as success.
    pub(crate) async fn end(&self, id: PublicId, reason: EndReason) -> Result<(), Error> {
        let ended = self.store.end(id, protocol::end(reason, self.now())).await?;
        if ended == Ended::Now {
            self.observe(&Event::Ended { id, reason });
        }
        Ok(())
    }

    /// Ends the session of a request, unless its key has been replaced since.
    ///
    /// A session that is gone or has ended counts as success.
    pub(crate) async fn end_loaded(
        &self,
        loaded: &LoadedSession<V>,
        reason: EndReason,
    ) -> Result<(), Error> {
        let id = loaded.id();
        let ending = protocol::end(reason, self.now());
        let mut expected = loaded.record.revision();
        for _ in 0..MAX_ATTEMPTS {
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

    /// The session that `credential` opens in a record just read, or why it opens none.
    fn load_record(
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

    /// Rereads the session that `loaded` is a copy of.
    pub(crate) fn reread<'a>(
        &'a self,
        loaded: &LoadedSession<V>,
    ) -> Io<'a, Result<LoadedSession<V>, Error>> {
        let (credential, reading) = (loaded.credential.clone(), self.store.get(loaded.id()));
        Io::future(async move { self.load_stored(&credential, reading.await?) })
    }

    /// The session that `credential` opens in what the store returned, or why it opens none.
    fn load_stored(
        &self,
        credential: &Credential,
        stored: Option<Stored>,
    ) -> Result<LoadedSession<V>, Error> {
        match (stored, credential) {
            (Some(Stored::Live(record)), _) => self.load_record(credential, record),
            (Some(Stored::Ended(tombstone)), Credential::Key(key)) => {
                match protocol::judge_ended(&tombstone, &self.verifier(key)) {
                    KeyStatus::Invalid(no_session) => Err(Error::not_found(no_session)),
                    _ => Err(Error::not_found(NoSession::Unknown)),
                }
            }
            // A family is never presented by a stranger: the application took it from an open
            // session.
            (Some(Stored::Ended(tombstone)), Credential::KeyFamily(..)) => {
                Err(Error::not_found(NoSession::Ended(tombstone.ending().reason)))
            }
            (None, _) => Err(Error::not_found(NoSession::Unknown)),
        }
    }
}

/// Write tokens: different for every write of this process, and practically random between
/// processes.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    count: AtomicU64,
}

impl Tokens {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    /// The next token: `SplitMix64` over a counter, which is a bijection, so none repeats in a
    /// process.
    pub(crate) fn next(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut token = self.seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        token = (token ^ (token >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        token = (token ^ (token >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        token ^ (token >> 31)
    }
}
