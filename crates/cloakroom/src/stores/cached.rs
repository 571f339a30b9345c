//! A near cache in front of a store: it may say yes, never no.

mod builder;
mod entries;
mod in_flight;
mod shard;

use std::fmt;
use std::sync::Arc;

pub use builder::CachedStoreBuilder;
use entries::{Boarding, Memory};

use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Io, Lookup, Page, Scanned, Store, StoreError,
    Subscriber, Swap,
};
use crate::time::Timestamp;

/// Remembers live sessions of the store inside, so that most requests cost no round trip.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::stores::CachedStore;
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(); // or one that is a network away
/// let sessions: Sessions<SessionMap> = Sessions::new(CachedStore::builder(store).start().await?)?;
/// # Ok(()) }
/// ```
///
/// - Only [`get_cached`](Store::get_cached) is answered from memory, which is what opening a session asks. Writes compare and swap at
///   the store as ever, and [`Session::require`](crate::Session::require) asks the store itself.
/// - What is absent, ended or expired, and a key that does not match, is asked of the store again.
/// - Requests that ask for one session at once share one round trip, and the decoded value.
///
/// # Security
/// A session that was ended or whose key was replaced through this cache is so at once. Elsewhere the change is known as
/// soon as the store tells of it ([`Store::subscribe`]), and at the latest after the time this cache
/// [believes](CachedStoreBuilder::max_staleness) what it last read or caught_up_to, by which it goes alone if the store can't tell.
///
/// # Cancellation
/// When a write is dropped, what is remembered of its session is forgotten; when a read is dropped, who waited for it takes over.
pub struct CachedStore<S> {
    store: S,
    memory: Arc<Memory>,
}

impl<S: Store> CachedStore<S> {
    /// How `store` is remembered.
    pub fn builder(store: S) -> CachedStoreBuilder<S> {
        CachedStoreBuilder::new(store)
    }

    /// How many sessions are remembered now.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// True if none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many times a session was lookup from memory, and how many times the store was asked instead.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        self.memory.hits_and_misses()
    }

    /// Asks the store, or waits for who is asking it already.
    async fn ask(&self, id: PublicId) -> Result<Lookup, StoreError> {
        loop {
            match self.memory.board(id) {
                Boarding::Leads(visit) => {
                    let answer = self.store.get(id).await;
                    visit.land(&answer);
                    return answer.map(Lookup::Authoritative);
                }
                Boarding::Follows(leader) => match leader.await {
                    Ok(Some(record)) => return Ok(Lookup::Cached(record)),
                    // Not for the leader to say no, or the leader failed.
                    Ok(None) => return self.get(id).await.map(Lookup::Authoritative),
                    // The leader was dropped: somebody else leads.
                    Err(_) => {}
                },
            }
        }
    }
}

impl<S: Store> Store for CachedStore<S> {
    fn get_cached(&self, id: PublicId) -> Io<'_, Result<Lookup, StoreError>> {
        match self.memory.look(id) {
            Some(record) => Io::ready(Ok(Lookup::Cached(record))),
            None => Io::future(self.ask(id)),
        }
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let visit = self.memory.read(id);
        self.store.get(id).inspect(move |answer| visit.land(answer))
    }

    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        let visit = self.memory.write(id, Some(record.revision()));
        self.store.insert(id, record.clone()).inspect(move |answer| {
            if matches!(answer, Ok(Inserted::Done)) {
                visit.keep(record);
            }
        })
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let visit = self.memory.write(id, Some(record.revision()));
        self.store.replace(id, expected, record.clone()).inspect(move |answer| {
            if matches!(answer, Ok(Swap::Done)) {
                visit.keep(record);
            }
        })
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        let visit = self.memory.write(id, None);
        self.store.touch(id, expected, deadline).inspect(move |answer| {
            if matches!(answer, Ok(true)) {
                visit.touch(expected, deadline);
            }
        })
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let visit = self.memory.write(id, None);
        self.store.end_if(id, expected, ending).inspect(move |_| drop(visit))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        let visit = self.memory.write(id, None);
        self.store.end(id, ending).inspect(move |_| drop(visit))
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.store.index_login(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.store.revoke_before(principal, before, until)
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.store.sessions_of(principal, page)
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        self.store.scan(from, limit)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.store.sweep(now, limit)
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.store.health()
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        self.store.subscribe(subscriber)
    }
}

impl<S: fmt::Debug> fmt::Debug for CachedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStore")
            .field("store", &self.store)
            .field("memory", &self.memory)
            .finish()
    }
}
