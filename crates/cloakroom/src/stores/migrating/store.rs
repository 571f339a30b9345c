//! The contract, kept by two stores together. The new one is always asked first.

use std::sync::Arc;

use super::MigratingStore;
use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::fence::{State, state_of};
use crate::record::{Ending, Record, Revision, Stored, Tombstone};
use crate::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Io, Page, Scanned, Store, StoreError, Subscriber,
    Swap,
};
use crate::time::Timestamp;

/// What the old store has of a session, after it was moved if it is to be.
enum Left {
    /// It is there, and stays.
    Live(Record),
    /// It was ended there.
    Ended(Tombstone),
    /// Nothing, or not any more: the new store knows.
    Nothing,
}

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    async fn left(&self, id: PublicId) -> Result<Left, StoreError> {
        loop {
            let record = match self.old().get(id).await? {
                Some(Stored::Live(record)) => record,
                Some(Stored::Ended(tombstone)) => return Ok(Left::Ended(tombstone)),
                None => return Ok(Left::Nothing),
            };
            match state_of(&record) {
                State::Here if !self.moves => return Ok(Left::Live(record)),
                State::Moved => return Ok(Left::Nothing),
                State::Here | State::Fenced => {}
            }
            if self.journey.carry(id, Stored::Live(record)).await? {
                return Ok(Left::Nothing);
            }
            // It was ended meanwhile, or another has moved it.
        }
    }

    /// Compares and swaps where the session is, which may move meanwhile.
    async fn swap(
        &self,
        id: PublicId,
        on: impl for<'a> Fn(&'a dyn Store) -> Io<'a, Result<Swap, StoreError>> + Send + Sync,
    ) -> Result<Swap, StoreError> {
        loop {
            match on(self.new_store()).await? {
                Swap::Gone => {}
                swap => return Ok(swap),
            }
            match self.left(id).await? {
                Left::Live(_) => {}
                Left::Ended(_) => return Ok(Swap::Gone),
                Left::Nothing => return on(self.new_store()).await,
            }
            match on(self.old()).await? {
                Swap::Stale(found) if state_of(&found) != State::Here => {}
                swap => return Ok(swap),
            }
        }
    }
}

/// An error of the second of two steps: the first was done.
pub(super) fn half_done(error: StoreError) -> StoreError {
    StoreError::outcome_unknown(error.kind()).with_source(error)
}

impl<Old: Store, New: Store> Store for MigratingStore<Old, New> {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        Io::future(async move {
            // An id that is taken in either is taken. Ids are drawn: no two nodes insert one at once.
            let (here, other): (&dyn Store, &dyn Store) = if self.moves {
                (self.new_store(), self.old())
            } else {
                (self.old(), self.new_store())
            };
            match other.get(id).await? {
                None => here.insert(id, record).await,
                Some(_) => Ok(Inserted::Taken),
            }
        })
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        Io::future(async move {
            if let Some(found) = self.new_store().get(id).await? {
                return Ok(Some(found));
            }
            match self.left(id).await? {
                Left::Live(record) => Ok(Some(Stored::Live(record))),
                Left::Ended(tombstone) => Ok(Some(Stored::Ended(tombstone))),
                Left::Nothing => self.new_store().get(id).await,
            }
        })
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        Io::future(self.listen_to_both(subscriber))
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        Io::future(self.swap(id, move |store| store.replace(id, expected, record.clone())))
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        Io::future(async move {
            if self.new_store().touch(id, expected, deadline).await? {
                return Ok(true);
            }
            match self.left(id).await? {
                Left::Ended(_) => return Ok(false),
                Left::Live(_) if self.old().touch(id, expected, deadline).await? => {
                    return Ok(true);
                }
                // It may have moved before it could be touched in the old store.
                Left::Live(_) | Left::Nothing => {}
            }
            self.new_store().touch(id, expected, deadline).await
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
                self.journey.complete(id).await.map_err(half_done)?;
            }
            Ok(swap)
        })
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        Io::future(async move {
            loop {
                let ended = self.new_store().end(id, ending).await?;
                if ended != Ended::Absent {
                    self.journey.complete(id).await.map_err(half_done)?;
                    return Ok(ended);
                }
                let mut record = match self.left(id).await? {
                    Left::Live(record) => record,
                    Left::Ended(_) => return Ok(Ended::Already),
                    Left::Nothing => return self.new_store().end(id, ending).await,
                };
                // Never whatever its revision: one that is fenced is about to live in the new store.
                while state_of(&record) == State::Here {
                    match self.old().end_if(id, record.revision(), ending).await? {
                        Swap::Done => return Ok(Ended::Now),
                        Swap::Stale(found) => record = found,
                        Swap::Gone => break,
                    }
                }
            }
        })
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        Io::future(self.admit_to_both(admission))
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

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let principal = principal.clone();
        Io::future(async move { self.ids_in_both(&principal, page).await })
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let from = from.cloned();
        Io::future(async move { self.journey.scan(from, limit).await })
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        Io::future(async move {
            let swept = self.old().sweep(now, limit).await?;
            Ok(swept + self.new_store().sweep(now, limit - swept.min(limit)).await?)
        })
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        Io::future(async move {
            self.old().health().await?;
            self.new_store().health().await
        })
    }
}
