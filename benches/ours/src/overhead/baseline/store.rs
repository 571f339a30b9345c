//! Sessions in 64 maps, each behind a lock.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use subtle::ConstantTimeEq as _;

use super::key::Key;
use crate::visitor::{IdHasher, Visitor};

/// Milliseconds: cloakroom's defaults.
const IDLE: u64 = 30 * 60 * 1000;
const ABSOLUTE: u64 = 12 * 60 * 60 * 1000;

pub(super) struct Store {
    shards: [Mutex<Shard>; 64],
    tokens: AtomicU64,
}

type Shard = HashMap<u128, Arc<Entry>, BuildHasherDefault<IdHasher>>;

/// A session; a write replaces the entry.
pub(super) struct Entry {
    pub(super) visitor: Visitor,
    verifier: [u32; 8],
    idle: u64,
    absolute: u64,
    revision: Revision,
}

/// The number of writes, and a token that tells concurrent writes apart.
#[derive(Clone, Copy, PartialEq)]
struct Revision {
    count: u64,
    token: u64,
}

#[derive(Clone)]
pub(super) struct Held {
    id: u128,
    pub(super) entry: Arc<Entry>,
}

impl Store {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let tokens = AtomicU64::new(getrandom::u64()?);
        Ok(Self { shards: std::array::from_fn(|_| Mutex::default()), tokens })
    }

    fn shard(&self, id: u128) -> MutexGuard<'_, Shard> {
        self.shards[(id >> 122) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn revision(&self, count: u64) -> Revision {
        Revision { count, token: self.tokens.fetch_add(1, Ordering::Relaxed) }
    }

    /// The live session that the key opens.
    pub(super) fn open(&self, key: &Key) -> Option<Held> {
        let verifier = key.verifier();
        let entry = Arc::clone(self.shard(key.id()).get(&key.id())?);
        let now = now();
        let lives = now < entry.idle && now < entry.absolute;
        (bool::from(entry.verifier.ct_eq(&verifier)) && lives).then(|| Held { id: key.id(), entry })
    }

    /// Begins a session.
    pub(super) fn insert(&self, visitor: Visitor) -> Result<(Key, Held), StatusCode> {
        let key = Key::random().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let (now, verifier) = (now(), key.verifier());
        let revision = self.revision(1);
        let entry =
            Entry { visitor, verifier, idle: now + IDLE, absolute: now + ABSOLUTE, revision };
        let held = Held { id: key.id(), entry: Arc::new(entry) };
        self.shard(held.id).insert(held.id, Arc::clone(&held.entry));
        Ok((key, held))
    }

    /// Replaces the entry that was read, or returns the one that replaced it before.
    pub(super) fn replace(
        &self,
        held: &Held,
        visitor: Visitor,
    ) -> Result<Result<Held, Held>, StatusCode> {
        let Entry { verifier, absolute, revision, .. } = *held.entry;
        let idle = now() + IDLE;
        let next = self.revision(revision.count + 1);
        let entry = Arc::new(Entry { visitor, verifier, idle, absolute, revision: next });
        let mut shard = self.shard(held.id);
        let present = shard.get_mut(&held.id).ok_or(StatusCode::CONFLICT)?;
        if present.revision != revision {
            return Ok(Err(Held { id: held.id, entry: Arc::clone(present) }));
        }
        let old = std::mem::replace(present, Arc::clone(&entry));
        drop(shard);
        drop(old);
        Ok(Ok(Held { id: held.id, entry }))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the baseline reads the machine's clock as cloakroom's default does"
)]
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
