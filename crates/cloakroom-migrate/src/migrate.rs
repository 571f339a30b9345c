//! Moves sessions from the old store to the new one.

use cloakroom::record::{MigrationState, Stored};
use cloakroom::store::{StoreError, StoreErrorKind, Swap};
use cloakroom::{PublicId, Store};
use futures_util::stream::{self, StreamExt};

use crate::{MigratingStore, import_entry};

/// How many entries [`MigratingStore::migrate_all`] moves at the same time.
const CONCURRENCY: usize = 64;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    /// Moves every session that is still in the old store, and returns how many it moved; 0 means
    /// that all have moved.
    ///
    /// Scans the whole old store, a part at a time.
    ///
    /// # Errors
    /// [`StoreError`]. Sessions that were moved stay moved; call again to continue. An entry that
    /// cannot be moved does not keep the others from moving: the first such error is returned once
    /// nothing else is left to move. It is of kind [`Corrupt`](StoreErrorKind::Corrupt) if the
    /// entry cannot be read.
    pub async fn migrate_all(&self) -> Result<u64, StoreError> {
        let (mut from, mut moved, mut failure) = (None, 0, None);
        loop {
            let part = self.old.scan(from.as_ref(), 4 * CONCURRENCY).await?;
            let mut results = stream::iter(part.entries)
                .map(|(id, entry)| self.migrate_one(id, entry))
                .buffer_unordered(CONCURRENCY);
            while let Some(result) = results.next().await {
                match result {
                    Ok(has_moved) => moved += u64::from(has_moved),
                    Err(error) if error.kind() == StoreErrorKind::Unavailable => return Err(error),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if !part.unreadable.is_empty() {
                failure = failure.or(Some(StoreError::not_sent(StoreErrorKind::Corrupt)));
            }
            from = part.next;
            if from.is_none() {
                break;
            }
        }
        match failure {
            Some(error) if moved == 0 => Err(error),
            _ => Ok(moved),
        }
    }

    /// Moves the session that was read from the old store as `entry`; returns whether this call
    /// moved it.
    ///
    /// Any number of nodes can move one session at once, and any of them can stop at any point.
    pub(crate) async fn migrate_one(
        &self,
        id: PublicId,
        entry: Stored,
    ) -> Result<bool, StoreError> {
        let Stored::Live(mut record) = entry else { return Ok(false) };
        while record.migration_state() == MigrationState::NotStarted {
            let fenced = record.fenced()?;
            let created = record.created();
            record = match self.old.replace(id, &record, fenced.clone(), created).await? {
                Swap::Done => fenced,
                Swap::Stale(current) => current,
                // The session was ended.
                Swap::Gone => return Ok(false),
            };
        }
        if record.migration_state() == MigrationState::Moved {
            return Ok(false);
        }
        import_entry(&self.new, id, Stored::Live(record.clone())).await?;
        // If this fails because another node was faster, the marker is there already.
        let _ = self.old.replace(id, &record, record.moved_marker(), record.created()).await?;
        Ok(true)
    }

    /// Marks a session that was ended in the new store as moved, if its move was never completed.
    ///
    /// Otherwise a node could complete the move after the tombstone was swept, and the session
    /// would live again.
    pub(crate) async fn complete_move(&self, id: PublicId) -> Result<(), StoreError> {
        match self.old.get(id).await? {
            Some(Stored::Live(record)) if record.migration_state() == MigrationState::Fenced => {
                let marker = record.moved_marker();
                let _ = self.old.replace(id, &record, marker, record.created()).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
