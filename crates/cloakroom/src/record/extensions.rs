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
//! 4. Add functions to [`Extensions`] that read and write it. A critical one is listed in
//!    [`KNOWN`], and `wire/reader.rs` refuses what these functions cannot read; an entry that is
//!    not critical counts as absent then.
//!
//! # Entries
//! | tag | bytes | meaning |
//! |---|---|---|
//! | 1 | 8 + 16 \[+ 16\] | the last sign-in: when, its nonce, that of a renewal in progress |
//! | 2 | n × (8 + 16) | prefix of a retired verifier, key family of its secret |
//! | 3 | 8 + 16 + 16 | an offer to bind the session to a device: when, seed of its challenges, key family |
//! | 4, critical | 1 + 2 + n + 8 + 8 + 4 + 16 + n × (32 + 8) | the device: flags, key, bound at, last proof, proofs, seed, secrets |

mod device;
mod sign_in;

use std::fmt;
use std::sync::Arc;

pub use device::{BoundDevice, BoundSecret, DeviceOffer, MAX_BOUND_SECRETS};
pub use sign_in::SignInTrace;

#[cfg(test)]
mod tests;

/// The tags of the critical entries that this version understands.
pub(super) const KNOWN: &[u8] = &[device::DEVICE];

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

    /// About how many bytes of memory the area takes.
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |area| area.len())
    }

    /// True if there are no entries.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The entries: tag, critical flag and bytes, in the order of their tags.
    fn entries(&self) -> impl Iterator<Item = (u8, u8, &[u8])> {
        let mut rest = &self.as_area()[1..];
        std::iter::from_fn(move || {
            let (&[tag, critical, high, low], after) = rest.split_first_chunk::<4>()?;
            let (bytes, after) =
                after.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
            rest = after;
            Some((tag, critical, bytes))
        })
    }

    /// The bytes of the entry with this tag.
    fn entry(&self, wanted: u8) -> Option<&[u8]> {
        self.entries().find(|(tag, ..)| *tag == wanted).map(|(.., bytes)| bytes)
    }

    /// The area with this entry, or without one of its tag.
    ///
    /// Without room for it, the area is returned without it: others' entries do not give way.
    fn with_entry(&self, tag: u8, bytes: Option<&[u8]>) -> Self {
        let without = || self.with(tag, None).unwrap_or_default();
        self.with(tag, bytes.map(|bytes| (0, bytes))).unwrap_or_else(without)
    }

    /// The area with this entry, which has a critical flag, or without one of its tag; `None` if
    /// there is no room for it.
    fn with(&self, tag: u8, entry: Option<(u8, &[u8])>) -> Option<Self> {
        let mut entries: Vec<_> = self.entries().filter(|(other, ..)| *other != tag).collect();
        if let Some((critical, bytes)) = entry {
            let taken: usize = entries.iter().map(|(.., bytes)| 4 + bytes.len()).sum();
            if entries.len() == MAX_COUNT || 1 + taken + 4 + bytes.len() > MAX_BYTES {
                return None;
            }
            entries.push((tag, critical, bytes));
            entries.sort_unstable_by_key(|(tag, ..)| *tag);
        }
        if entries.is_empty() {
            return Some(Self::default());
        }
        let mut area = vec![u8::try_from(entries.len()).unwrap_or(u8::MAX)];
        for (tag, critical, bytes) in entries {
            let [high, low] = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
            area.extend_from_slice(&[tag, critical, high, low]);
            area.extend_from_slice(bytes);
        }
        Some(Self::from_area(&area))
    }
}

/// Shows the number of entries only: they can hold what must not be logged.
impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.as_area()[0])
    }
}
