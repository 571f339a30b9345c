//! The mark on a record that is moving to another store; crate `cloakroom-migrate` uses it.

use super::{Record, Revision};
use crate::policy::LONGEST;
use crate::value::{CodecError, FENCE, Payload};

/// The bit of a revision's counter that tells a fenced record from every revision a writer expects.
const FENCED_BIT: u64 = 1 << 63;

/// How far the move of a record to another store has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a migration must handle every state")]
pub enum MigrationState {
    /// The session is in this store and can be written.
    NotStarted,
    /// No writer can change the session here any more; it may be in the new store already.
    Fenced,
    /// The session is in the new store. The record only keeps its entry in the principal index.
    Moved,
}

/// For tools that move sessions between stores.
impl Record {
    /// How far the move of this record has come.
    pub fn migration_state(&self) -> MigrationState {
        match self.payload().as_bytes() {
            Some([FENCE]) => MigrationState::Moved,
            Some([FENCE, ..]) => MigrationState::Fenced,
            _ => MigrationState::NotStarted,
        }
    }

    /// This record with the mark and a revision that no writer expects.
    ///
    /// # Errors
    /// [`CodecError`] if the value can't be encoded.
    pub fn fenced(&self) -> Result<Self, CodecError> {
        let value = self.payload().to_bytes()?;
        let (is_set, bytes) = (u8::from(value.is_some()), value.as_deref().unwrap_or_default());
        let payload = Payload::from_bytes([&[FENCE, is_set], bytes].concat());
        Ok(self.with_mark(payload, flip(self.revision())))
    }

    /// The record as it was before it was fenced, with the revision that its readers expect.
    #[must_use = "the unfenced record is returned"]
    pub fn unfenced(self) -> Self {
        let payload = match self.payload().as_bytes() {
            Some([FENCE, 1, value @ ..]) => Payload::from_bytes(value),
            Some([FENCE, ..]) => Payload::unset(),
            _ => return self,
        };
        self.with_mark(payload, flip(self.revision()))
    }

    /// What the old store keeps of a fenced record that has moved, for longer than any migration
    /// takes.
    #[must_use = "the marker is returned"]
    pub fn moved_marker(&self) -> Self {
        let until = self.absolute_deadline().after(LONGEST);
        self.with(|fields| {
            fields.payload = Payload::from_bytes([FENCE]);
            (fields.idle_deadline, fields.absolute_deadline) = (until, until);
        })
    }

    fn with_mark(&self, payload: Payload, revision: Revision) -> Self {
        self.with(|fields| (fields.payload, fields.revision) = (payload, revision))
    }
}

const fn flip(revision: Revision) -> Revision {
    Revision::new(revision.count() ^ FENCED_BIT, revision.token())
}
