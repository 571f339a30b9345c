//! Two stores behind one contract. The new store is always asked first.

use std::fmt;
use std::sync::Arc;

use cloakroom::key::KindTag;
use cloakroom::record::{Ending, MigrationState, Record, Revision, Stored, Tombstone};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, Subscriber, Swap,
};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};

/// Serves two stores as one while sessions move from the old store to the new one.
///
/// A session moves when it is first used; [`migrate_all`](Self::migrate_all) moves the rest. No
/// write is lost, no ended session comes back, and no one is signed out.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom_migrate::MigratingStore;
/// # use std::sync::Arc;
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let store = Arc::new(MigratingStore::start(old, new));
/// let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store))?;
/// let moved = store.migrate_all().await?; // in the background, while `sessions` is in use
/// # Ok(()) }
/// ```
///
/// # Rollout
/// Nodes of two versions share the stores during a deployment, so a migration takes three
/// deployments:
/// 1. All nodes run [`MigratingStore::prepare`]. Sessions stay in the old store; those that another
///    node has moved are found in the new one.
/// 2. All nodes run [`MigratingStore::start`], which moves sessions. Then one of them calls
///    `migrate_all` until it returns 0. That must happen within a day of the first node's start,
///    because the new store remembers for a day which sessions were ended in it, and completing an
///    interrupted move relies on that.
/// 3. All nodes run the new store alone. The old store can be deleted.
///
/// Step 1 can be undone as long as no node has run step 2. Step 2 can be undone by going back to
/// step 1.
///
/// # How a session moves
/// The session is *fenced* in the old store: its record gets a mark, and a revision that no writer
/// expects. Then it is imported into the new store, and the old store keeps a marker that says that
/// it has moved. Any node that finds a fenced session completes its move.
///
/// # Costs and limits
/// - The first use of a session that has not moved costs two or three more round trips.
/// - Both stores must be available. Session limits and revocations apply in both.
/// - The new store must be empty at first, and must accept sessions as large as the old one does.
/// - Neither store can be a `MigratingStore` itself.
/// - The reasons why sessions were ended stay in the old store, and are reported until step 3.
///   Revocations from before step 1 stay there too, and refuse older sign-ins until step 3.
/// - A touch that races with the move of its session can be lost; the session then ends up to a
///   tenth of its idle timeout early.
///
/// # Cancellation
/// A move that was dropped is completed by the next caller that finds the session.
pub struct MigratingStore<Old, New> {
    pub(crate) old: Old,
    pub(crate) new: New,
    has_started: bool,
}

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    /// Begins new sessions in `old` and moves none; sessions that other nodes have moved are found
    /// in `new`.
    pub const fn prepare(old: Old, new: New) -> Self {
        Self { old, new, has_started: false }
    }

    /// Begins new sessions in `new`, and moves every session there that is used.
    pub const fn start(old: Old, new: New) -> Self {
        Self { old, new, has_started: true }
    }

    /// Looks a session up in the old store, after moving it if it is to move.
    async fn find_in_old(&self, id: PublicId) -> Result<FoundInOld, StoreError> {
        loop {
            let record = match self.old.get(id).await? {
                Some(Stored::Live(record)) => record,
                Some(Stored::Ended(tombstone)) => return Ok(FoundInOld::Ended(tombstone)),
                None => return Ok(FoundInOld::Nothing),
            };
            match record.migration_state() {
                MigrationState::NotStarted if !self.has_started => {
                    return Ok(FoundInOld::Live(record));
                }
                MigrationState::Moved => return Ok(FoundInOld::Nothing),
                MigrationState::NotStarted | MigrationState::Fenced => {}
            }
            if self.migrate_one(id, Stored::Live(record)).await? {
                return Ok(FoundInOld::Nothing);
            }
            // The session was ended in the meantime, or another caller moved it.
        }
    }

    /// Carries out a compare-and-swap in the store that has the session, which can move in the
    /// meantime.
    async fn swap(
        &self,
        id: PublicId,
        on: impl for<'a> Fn(&'a dyn Store) -> Io<'a, Result<Swap, StoreError>> + Send + Sync,
    ) -> Result<Swap, StoreError> {
        loop {
            match on(&self.new).await? {
                Swap::Gone => {}
                swap => return Ok(swap),
            }
            match self.find_in_old(id).await? {
                FoundInOld::Live(_) => {}
                FoundInOld::Ended(_) => return Ok(Swap::Gone),
                FoundInOld::Nothing => return on(&self.new).await,
            }
            match on(&self.old).await? {
                Swap::Stale(current) if current.migration_state() != MigrationState::NotStarted => {
                }
                swap => return Ok(swap),
            }
        }
    }
}

/// What the old store has of a session.
enum FoundInOld {
    /// The session, which stays there for now.
    Live(Record),
    /// Its tombstone.
    Ended(Tombstone),
    /// Nothing, or no longer the session: ask the new store.
    Nothing,
}

/// The error of an operation whose first step, in the other store, was done.
pub(crate) fn second_step_failed(error: StoreError) -> StoreError {
    StoreError::outcome_unknown(error.kind()).with_source(error)
}

impl<Old: Store, New: Store> Store for MigratingStore<Old, New> {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        Io::future(async move {
            // An id that is taken in either store is taken. Ids are random, so no two nodes insert
            // the same one at once.
            let (target, other): (&dyn Store, &dyn Store) =
                if self.has_started { (&self.new, &self.old) } else { (&self.old, &self.new) };
            match other.get(id).await? {
                None => target.insert(id, record).await,
                Some(_) => Ok(Inserted::Taken),
            }
        })
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        Io::future(async move {
            if let Some(found) = self.new.get(id).await? {
                return Ok(Some(found));
            }
            match self.find_in_old(id).await? {
                FoundInOld::Live(record) => Ok(Some(Stored::Live(record))),
                FoundInOld::Ended(tombstone) => Ok(Some(Stored::Ended(tombstone))),
                FoundInOld::Nothing => self.new.get(id).await,
            }
        })
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        Io::future(self.subscribe_to_both(subscriber))
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let seen = seen.clone();
        Io::future(self.swap(id, move |store| store.replace(id, &seen, record.clone(), now)))
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        Io::future(async move {
            if self.new.touch(id, expected, deadline).await? {
                return Ok(true);
            }
            match self.find_in_old(id).await? {
                FoundInOld::Ended(_) => return Ok(false),
                FoundInOld::Live(_) if self.old.touch(id, expected, deadline).await? => {
                    return Ok(true);
                }
                // The session may have moved before it could be touched in the old store.
                FoundInOld::Live(_) | FoundInOld::Nothing => {}
            }
            self.new.touch(id, expected, deadline).await
        })
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        Io::future(async move {
            let swap = self.swap(id, move |store| store.end_if(id, expected, ending)).await?;
            if matches!(swap, Swap::Done) {
                self.complete_move(id).await.map_err(second_step_failed)?;
            }
            Ok(swap)
        })
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        Io::future(async move {
            loop {
                let ended = self.new.end(id, ending).await?;
                if ended != Ended::Absent {
                    self.complete_move(id).await.map_err(second_step_failed)?;
                    return Ok(ended);
                }
                let mut record = match self.find_in_old(id).await? {
                    FoundInOld::Live(record) => record,
                    FoundInOld::Ended(_) => return Ok(Ended::Already),
                    FoundInOld::Nothing => return self.new.end(id, ending).await,
                };
                // Conditional, because a session that is fenced in the meantime is about to live in
                // the new store.
                while record.migration_state() == MigrationState::NotStarted {
                    match self.old.end_if(id, record.revision(), ending).await? {
                        Swap::Done => return Ok(Ended::Now),
                        Swap::Stale(current) => record = current,
                        Swap::Gone => break,
                    }
                }
            }
        })
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        Io::future(self.index_in_both(login))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let principal = principal.clone();
        Io::future(async move { self.revoke_in_both(&principal, before, until).await })
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let principal = principal.clone();
        Io::future(async move { self.erase_in_both(&principal, ended, until).await })
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let principal = principal.clone();
        Io::future(async move { self.sessions_in_both(&principal, kind, page).await })
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        Io::future(self.scan_both(from.cloned(), limit))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        Io::future(async move {
            let swept = self.old.sweep(now, limit).await?;
            Ok(swept + self.new.sweep(now, limit - swept.min(limit)).await?)
        })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        Io::future(async move {
            self.old.health().await?;
            self.new.health().await
        })
    }
}

impl<Old: fmt::Debug, New: fmt::Debug> fmt::Debug for MigratingStore<Old, New> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigratingStore")
            .field("old", &self.old)
            .field("new", &self.new)
            .field("has_started", &self.has_started)
            .finish()
    }
}
