//! The extension area: entries with which a later version adds fields to records, live and ended.
//!
//! While an application is updated, nodes of two versions share a store. What the older node does
//! with an entry that it does not know depends on the entry's *critical* flag:
//!
//! - **Not critical**: it uses the session and keeps the entry byte by byte, through every write,
//!   the end of the session and a move to another store.
//! - **Critical**: it cannot read the record. It serves nothing from it, and treats it as
//!   [`UnreadablePolicy`](crate::policy::UnreadablePolicy) says.
//!
//! # Adding an entry
//! 1. Give it a tag here that no entry ever had.
//! 2. Make it critical only if an older node would do harm by ignoring it. Any other entry must
//!    stay true whatever an older node writes to the rest of the record: let it name the verifier
//!    or the key family that it belongs to.
//! 3. Put nothing in it that must not outlive the session. A tombstone keeps all entries, because
//!    stores end sessions in place.
//! 4. Add functions to [`Extensions`] that read and write it, refuse in `wire/reader.rs` what they
//!    cannot read, and list its tag in [`KNOWN`].

use std::fmt;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The tags of the entries that this version understands: none yet.
pub(super) const KNOWN: &[u8] = &[];

/// The largest number of entries.
pub(super) const MAX_COUNT: usize = 16;

/// The largest size of an area in bytes, with the first byte and the head of each entry.
pub(super) const MAX_BYTES: usize = 1024;

/// The area of one record, encoded; `None` if it has no entries.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Extensions(Option<Arc<[u8]>>);

impl Extensions {
    /// An area that has been checked.
    pub(super) fn from_area(area: &[u8]) -> Self {
        Self(Some(area.into()))
    }

    /// The area as it is stored.
    pub(super) fn as_area(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[0])
    }
}

/// Shows the number of entries only: they can hold what must not be logged.
impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.as_area()[0])
    }
}
