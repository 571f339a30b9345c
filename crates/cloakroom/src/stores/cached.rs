//! A near cache in front of a store.

mod builder;
mod entries;
mod in_flight;
mod shard;

use std::fmt;
use std::sync::Arc;

pub use builder::CachedStoreBuilder;
use entries::{Entries, ReadRole};

use crate::decorate_store;
use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{Ended, Inserted, Io, Lookup, Store, StoreError, Swap};
use crate::time::Timestamp;

/// Caches the live sessions of another store in memory, so that most requests need no round trip.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::stores::CachedStore;
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(); // or a store across the network
/// let sessions: Sessions<SessionMap> = Sessions::new(CachedStore::builder(store).build().await?)?;
/// # Ok(()) }
/// ```
///
/// - Only [`get_cached`](Store::get_cached), which opens sessions, is answered from memory. Writes
///   are compared and swapped in the store, and [`Session::require`](crate::Session::require) asks
///   the store.
/// - A cached record only proves that a session is there. If it is absent, ended or expired, or if
///   the key does not match, the store is asked.
/// - Requests that ask for the same session at the same time share one round trip and the decoded
///   value.
///
/// # Security
/// If a session is ended, or its key replaced, through this cache, that holds at once. Changes on
/// other nodes are known as soon as the store reports them ([`Store::subscribe`]), and at the
/// latest after [`max_staleness`](CachedStoreBuilder::max_staleness). If the store has no change
/// feed, only that time applies.
///
/// # Cancellation
/// If a write is dropped, its session is removed from the cache. If a read is dropped, one of the
/// callers that waited for it takes over. If it is not dropped and never polled again, they ask the
/// store themselves after two seconds.
pub struct CachedStore<S> {
    store: S,
    entries: Arc<Entries>,
}

impl<S: Store> CachedStore<S> {
    /// Starts to configure a cache in front of `store`.
    pub fn builder(store: S) -> CachedStoreBuilder<S> {
        CachedStoreBuilder::new(store)
    }

    /// The number of cached sessions.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if no session is cached.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many lookups were answered from memory, and how many were not.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        self.entries.hits_and_misses()
    }

    /// Asks the store, or waits for a caller that is already asking for the same session.
    async fn get_shared(&self, id: PublicId) -> Result<Lookup, StoreError> {
        loop {
            match self.entries.join_read(id) {
                ReadRole::Leader(read) => {
                    let answer = self.store.get(id).await;
                    read.finish(&answer);
                    return answer.map(Lookup::Authoritative);
                }
                ReadRole::Follower(leader) => match self.entries.answer_of(leader).await {
                    Some(Ok(Some(record))) => return Ok(Lookup::Cached(record)),
                    // The leader failed, or found no session: only the store itself can say so. Or
                    // it does not answer.
                    Some(Ok(None)) | None => {
                        return self.get(id).await.map(Lookup::Authoritative);
                    }
                    // The leader was dropped.
                    Some(Err(_)) => {}
                },
            }
        }
    }
}

impl<S: Store> Store for CachedStore<S> {
    decorate_store!(self => &self.store;
        subscribe, index_login, erase, sessions_of, scan, sweep, health);

    /// A session that another node ended a moment ago is in no index, so the revocation would find
    /// nothing to end, and this node would go on with its copy.
    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let revoked = self.store.revoke_before(principal, before, until);
        let (entries, principal) = (Arc::clone(&self.entries), principal.clone());
        revoked.inspect(move |_| entries.forget(&principal))
    }

    fn get_cached(&self, id: PublicId) -> Io<'_, Result<Lookup, StoreError>> {
        match self.entries.lookup(id) {
            Some(record) => Io::ready(Ok(Lookup::Cached(record))),
            None => Io::future(self.get_shared(id)),
        }
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let read = self.entries.begin_read(id);
        self.store.get(id).inspect(move |answer| read.finish(answer))
    }

    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        let write = self.entries.begin_write(id, Some(record.revision()));
        self.store.insert(id, record.clone()).inspect(move |answer| {
            if matches!(answer, Ok(Inserted::Done)) {
                write.finish(record);
            }
        })
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let write = self.entries.begin_write(id, Some(record.revision()));
        self.store.replace(id, seen, record.clone(), now).inspect(move |answer| {
            if matches!(answer, Ok(Swap::Done)) {
                write.finish(record);
            }
        })
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        let write = self.entries.begin_write(id, None);
        self.store.touch(id, expected, deadline).inspect(move |answer| {
            if matches!(answer, Ok(true)) {
                write.finish_touch(expected, deadline);
            }
        })
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let write = self.entries.begin_write(id, None);
        self.store.end_if(id, expected, ending).inspect(move |_| drop(write))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        let write = self.entries.begin_write(id, None);
        self.store.end(id, ending).inspect(move |_| drop(write))
    }
}

impl<S: fmt::Debug> fmt::Debug for CachedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStore")
            .field("store", &self.store)
            .field("entries", &self.entries)
            .finish()
    }
}
