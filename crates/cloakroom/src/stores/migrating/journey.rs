//! How one session gets from the old store to the new.

use crate::key::PublicId;
use crate::record::Stored;
use crate::record::fence::{State, fenced, left, state_of};
use crate::store::{Store, StoreError, Swap, bring};

/// The two stores.
pub(super) struct Journey<Old, New> {
    pub(super) old: Old,
    pub(super) new: New,
}

impl<Old: Store, New: Store> Journey<Old, New> {
    /// Brings the session that the old store had under `id` a moment ago to the new one; whether it moved now.
    ///
    /// Any number of nodes may do so at once, and any of them may stop anywhere.
    pub(super) async fn carry(&self, id: PublicId, entry: Stored) -> Result<bool, StoreError> {
        let Stored::Live(mut record) = entry else { return Ok(false) };
        while state_of(&record) == State::Here {
            let fence = fenced(&record)?;
            record = match self.old.replace(id, record.revision(), fence.clone()).await? {
                Swap::Done => fence,
                Swap::Stale(found) => found,
                // It was ended.
                Swap::Gone => return Ok(false),
            };
        }
        if state_of(&record) == State::Moved {
            return Ok(false);
        }
        let (expected, left) = (record.revision(), left(&record));
        bring(&self.new, id, Stored::Live(record)).await?;
        // If another was faster, there is nothing left to do.
        let _ = self.old.replace(id, expected, left).await?;
        Ok(true)
    }

    /// A session was ended in the new store: whatever move of it was never completed must not bring it again once its tombstone
    /// is gone.
    pub(super) async fn complete(&self, id: PublicId) -> Result<(), StoreError> {
        if let Some(Stored::Live(record)) = self.old.get(id).await?
            && state_of(&record) == State::Fenced
        {
            let _ = self.old.replace(id, record.revision(), left(&record)).await?;
        }
        Ok(())
    }
}
