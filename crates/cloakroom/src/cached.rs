//! A near cache in front of a store: it may say yes, never no.

mod builder;
mod memory;
mod shard;
mod visit;

use std::fmt;
use std::sync::Arc;

pub use builder::CachedBuilder;
use memory::{Boarding, Memory};

use crate::io::Io;
use crate::key::SessionId;
use crate::principal::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{
    Admission, Admitted, Cursor, Ended, Inserted, Listener, Page, Recalled, Scanned, Store, StoreError, Swap,
};
use crate::time::Timestamp;

/// Remembers live sessions of the store inside, so that most requests cost no round trip.
///
/// ```
/// # use cloakroom::{Cached, Map, MemoryStore, Sessions};
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(); // or one that is a network away
/// let sessions: Sessions<Map> = Sessions::new(Cached::builder(store).start().await?)?;
/// # Ok(()) }
/// ```
///
/// - Only [`recall`](Store::recall) is answered from memory, which is what opening a session asks. Writes compare and swap at
///   the store as ever, and [`Session::require`](crate::Session::require) asks the store itself.
/// - What is absent, ended or expired, and a key that does not match, is asked of the store again.
/// - Requests that ask for one session at once share one round trip, and the decoded value.
///
/// # Security
/// A session that was ended or whose key was replaced through this cache is so at once. Elsewhere the change is known as
/// soon as the store tells of it ([`Store::listen`]), and at the latest after the time this cache
/// [believes](CachedBuilder::believing) what it last read or heard, by which it goes alone if the store can't tell.
///
/// # Cancellation
/// When a write is dropped, what is remembered of its session is forgotten; when a read is dropped, who waited for it takes over.
pub struct Cached<S> {
    store: S,
    memory: Arc<Memory>,
}

impl<S: Store> Cached<S> {
    /// How `store` is remembered.
    pub fn builder(store: S) -> CachedBuilder<S> {
        CachedBuilder::new(store)
    }

    /// How many sessions are remembered now.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// True if none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many times a session was recalled from memory, and how many times the store was asked instead.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        self.memory.hits_and_misses()
    }

    /// Asks the store, or waits for who is asking it already.
    async fn ask(&self, id: SessionId) -> Result<Recalled, StoreError> {
        loop {
            match self.memory.board(id) {
                Boarding::Leads(visit) => {
                    let answer = self.store.get(id).await;
                    visit.land(&answer);
                    return answer.map(Recalled::Fresh);
                }
                Boarding::Follows(leader) => match leader.await {
                    Ok(Some(record)) => return Ok(Recalled::Remembered(record)),
                    // Not for the leader to say no, or the leader failed.
                    Ok(None) => return self.get(id).await.map(Recalled::Fresh),
                    // The leader was dropped: somebody else leads.
                    Err(_) => {}
                },
            }
        }
    }
}

impl<S: Store> Store for Cached<S> {
    fn recall(&self, id: SessionId) -> Io<'_, Result<Recalled, StoreError>> {
        match self.memory.look(id) {
            Some(record) => Io::ready(Ok(Recalled::Remembered(record))),
            None => Io::future(self.ask(id)),
        }
    }

    fn get(&self, id: SessionId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let visit = self.memory.read(id);
        self.store.get(id).inspect(move |answer| visit.land(answer))
    }

    fn insert(&self, id: SessionId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        let visit = self.memory.write(id, Some(record.revision()));
        self.store.insert(id, record.clone()).inspect(move |answer| {
            if matches!(answer, Ok(Inserted::Done)) {
                visit.keep(record);
            }
        })
    }

    fn replace(&self, id: SessionId, expected: Revision, record: Record) -> Io<'_, Result<Swap, StoreError>> {
        let visit = self.memory.write(id, Some(record.revision()));
        self.store.replace(id, expected, record.clone()).inspect(move |answer| {
            if matches!(answer, Ok(Swap::Done)) {
                visit.keep(record);
            }
        })
    }

    fn touch(
        &self,
        id: SessionId,
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

    fn end_at(&self, id: SessionId, expected: Revision, ending: Ending) -> Io<'_, Result<Swap, StoreError>> {
        let visit = self.memory.write(id, None);
        self.store.end_at(id, expected, ending).inspect(move |_| drop(visit))
    }

    fn end(&self, id: SessionId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        let visit = self.memory.write(id, None);
        self.store.end(id, ending).inspect(move |_| drop(visit))
    }

    fn admit(&self, admission: Admission) -> Io<'_, Result<Admitted, StoreError>> {
        self.store.admit(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.store.revoke_before(principal, before, until)
    }

    fn ids_of(&self, principal: &Principal, page: Page) -> Io<'_, Result<Vec<SessionId>, StoreError>> {
        self.store.ids_of(principal, page)
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

    fn listen(&self, listener: Arc<dyn Listener>) -> Io<'_, Result<bool, StoreError>> {
        self.store.listen(listener)
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("store", &self.store).field("memory", &self.memory).finish()
    }
}
