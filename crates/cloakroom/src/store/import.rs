//! An entry of one store, brought into another.

use super::{Ended, IndexLogin, Inserted, Store, StoreError, Swap};
use crate::key::PublicId;
use crate::record::fence::{State, freed, state_of};
use crate::record::{Record, Stored};

/// What became of an entry that was [brought](bring) into a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else that can become of it")]
pub enum Brought {
    /// It is there now.
    New,
    /// An earlier state of it was there, and gave way.
    Renewed,
    /// It was there already.
    Same,
    /// What is there is later, or was ended: it stays.
    Later,
    /// It was ended, and there was nothing to end; or it had moved to another store before.
    Nothing,
}

/// Brings an entry of another store into `store`: a live session with its place in its principal's directory; of one that was
/// ended, the end.
///
/// What is there is left or made later, never earlier, and what was ended there stays ended: bringing an entry twice, or while
/// others use it there, is safe. The tombstone of a session that never was in `store` is not brought: nothing can revive what
/// is not there, and who still has its key is told that it opens nothing, but not why.
///
/// # Errors
/// [`StoreError`]. The entry is then there or not; bringing it again puts that right.
///
/// # Cancellation
/// As an error of unknown outcome.
pub async fn bring(store: &dyn Store, id: PublicId, entry: Stored) -> Result<Brought, StoreError> {
    match entry {
        // It has gone from there, and whoever knows where to is not asked.
        Stored::Live(record) if state_of(&record) == State::Moved => Ok(Brought::Nothing),
        Stored::Live(record) => {
            let record = freed(record);
            if let Some(principal) = record.principal() {
                // Signed in already: neither a limit nor a revocation, which ends sessions, asks about it.
                let entry = IndexLogin::new(principal.clone(), id, record.absolute_deadline());
                let _ = store.index_login(entry).await?;
            }
            bring_live(store, id, record).await
        }
        Stored::Ended(tombstone) => Ok(match store.end(id, tombstone.ending()).await? {
            Ended::Now => Brought::Renewed,
            Ended::Already => Brought::Same,
            Ended::Absent => Brought::Nothing,
        }),
    }
}

async fn bring_live(
    store: &dyn Store,
    id: PublicId,
    record: Record,
) -> Result<Brought, StoreError> {
    if store.insert(id, record.clone()).await? == Inserted::Done {
        return Ok(Brought::New);
    }
    loop {
        let there = match store.get(id).await? {
            Some(Stored::Live(there)) => there,
            // What went meanwhile was over.
            Some(Stored::Ended(_)) | None => return Ok(Brought::Later),
        };
        if there.revision() == record.revision() {
            // The same write, which may have been used since in either place.
            let _ = store.touch(id, record.revision(), record.idle_deadline()).await?;
            return Ok(Brought::Same);
        }
        if there.revision().count() >= record.revision().count() {
            return Ok(Brought::Later);
        }
        match store.replace(id, there.revision(), record.clone()).await? {
            Swap::Done => return Ok(Brought::Renewed),
            Swap::Stale(_) => {}
            Swap::Gone => return Ok(Brought::Later),
        }
    }
}
