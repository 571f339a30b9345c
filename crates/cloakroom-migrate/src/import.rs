//! Copies one entry into another store.

use cloakroom::record::{MigrationState, Record, Stored};
use cloakroom::store::{Ended, IndexLogin, Inserted, StoreError, Swap};
use cloakroom::{PublicId, Store};

/// What [`import_entry`] did with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every outcome is listed")]
pub enum Imported {
    /// The session was not in the store and is there now.
    Inserted,
    /// The store had an earlier state of the session, which was replaced or ended.
    Updated,
    /// The store had the same entry already.
    Unchanged,
    /// The store has a later state of the session, or its tombstone, and keeps it.
    KeptNewer,
    /// There was nothing to import: the session has moved to another store, or it was ended and the
    /// store never had it.
    Skipped,
}

/// Imports an entry of another store into `store`.
///
/// A live session is imported together with its entry in the principal index. If the session has
/// ended, it is ended in `store` too. The store's own entry is never replaced by an earlier one,
/// and a session that was ended there stays ended, so it is safe to import an entry twice, or while
/// others use it there.
///
/// The tombstone of a session that `store` never had is not imported. Nothing can revive such a
/// session; a client that still has its key is treated as one with an unknown key.
///
/// # Errors
/// [`StoreError`]. The entry may have been imported; import it again to be sure.
///
/// # Cancellation
/// As after an error: the entry may have been imported.
pub async fn import_entry(
    store: &dyn Store,
    id: PublicId,
    entry: Stored,
) -> Result<Imported, StoreError> {
    match entry {
        Stored::Live(record) if record.migration_state() == MigrationState::Moved => {
            Ok(Imported::Skipped)
        }
        Stored::Live(record) => {
            let record = record.unfenced();
            if let Some(principal) = record.principal() {
                // Already signed in: no limit applies, and a revocation ends the session itself.
                let (kind, until) = (record.kind(), record.absolute_deadline());
                let entry = IndexLogin::new(principal.clone(), id, kind, until);
                let _ = store.index_login(entry).await?;
            }
            import_live(store, id, record).await
        }
        Stored::Ended(tombstone) => Ok(match store.end(id, tombstone.ending()).await? {
            Ended::Now => Imported::Updated,
            Ended::Already => Imported::Unchanged,
            Ended::Absent => Imported::Skipped,
        }),
    }
}

async fn import_live(
    store: &dyn Store,
    id: PublicId,
    record: Record,
) -> Result<Imported, StoreError> {
    if store.insert(id, record.clone()).await? == Inserted::Done {
        return Ok(Imported::Inserted);
    }
    loop {
        let current = match store.get(id).await? {
            Some(Stored::Live(current)) => current,
            // The entry was swept in the meantime, so it was ended or expired.
            Some(Stored::Ended(_)) | None => return Ok(Imported::KeptNewer),
        };
        if current.revision() == record.revision() {
            // The same write; either copy may have been touched since.
            let _ = store.touch(id, record.revision(), record.idle_deadline()).await?;
            return Ok(Imported::Unchanged);
        }
        if current.revision().count() >= record.revision().count() {
            return Ok(Imported::KeptNewer);
        }
        match store.replace(id, &current, record.clone(), record.created()).await? {
            Swap::Done => return Ok(Imported::Updated),
            Swap::Stale(_) => {}
            Swap::Gone => return Ok(Imported::KeptNewer),
        }
    }
}
