//! One entry: a session as it is, or as bytes.

use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored, Tombstone};
use crate::store::{Ended, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// What an entry takes beside its payload or its bytes, roughly: tables, deadlines, verifiers.
const OVERHEAD: usize = 512;

/// There are as many of these as sessions, and more room for them than that: no word more than needed.
pub(super) struct Slot {
    kept: Kept,
    expires: Timestamp,
    bytes: u32,
}

enum Kept {
    Live(Record),
    Ended(Tombstone),
    Encoded(Box<Encoded>),
}

struct Encoded {
    bytes: Box<[u8]>,
    ended: bool,
}

impl Slot {
    /// Measures the entry, which finds out what can't be written in either form.
    pub(super) fn new(stored: Stored, encoded: bool) -> Result<Self, StoreError> {
        let expires = stored.expires_at();
        let (kept, size) = match stored {
            stored if encoded => {
                let (ended, bytes) = (matches!(stored, Stored::Ended(_)), stored.to_bytes()?);
                let size = bytes.len();
                (Kept::Encoded(Box::new(Encoded { bytes: bytes.into_boxed_slice(), ended })), size)
            }
            Stored::Live(record) => {
                let size = record.payload().measure()?;
                (Kept::Live(record), size)
            }
            Stored::Ended(tombstone) => (Kept::Ended(tombstone), 0),
        };
        Ok(Self { kept, expires, bytes: u32::try_from(OVERHEAD + size).unwrap_or(u32::MAX) })
    }

    /// The entry, which is as good as the one that is kept: what is kept as it is costs no copy.
    pub(super) fn load(&self) -> Result<Stored, StoreError> {
        match &self.kept {
            Kept::Live(record) => Ok(Stored::Live(record.clone())),
            Kept::Ended(tombstone) => Ok(Stored::Ended(tombstone.clone())),
            Kept::Encoded(encoded) => Ok(Stored::from_bytes(&encoded.bytes)?),
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes as usize
    }

    pub(super) fn is_garbage(&self, now: Timestamp) -> bool {
        self.expires.has_passed(now)
    }

    pub(super) const fn is_tombstone(&self) -> bool {
        match &self.kept {
            Kept::Live(_) => false,
            Kept::Ended(_) => true,
            Kept::Encoded(encoded) => encoded.ended,
        }
    }

    pub(super) fn principal(&self) -> Option<Principal> {
        match self.load().ok()? {
            Stored::Live(record) => record.principal().cloned(),
            Stored::Ended(tombstone) => tombstone.principal().cloned(),
        }
    }

    /// Why the record that is kept is not the one of this revision; nothing if it is.
    fn overtaken(&self, expected: Revision) -> Result<Option<Swap>, StoreError> {
        match &self.kept {
            Kept::Live(current) if current.revision() == expected => Ok(None),
            _ => Ok(match self.load()? {
                Stored::Ended(_) => Some(Swap::Gone),
                Stored::Live(current) if current.revision() == expected => None,
                Stored::Live(current) => Some(Swap::Stale(current)),
            }),
        }
    }

    /// Compares and swaps, if `fits` grants the bytes that the entry grows by; on success `new` holds what stood here.
    pub(super) fn replace(
        &mut self,
        expected: Revision,
        new: &mut Self,
        fits: impl FnOnce(usize) -> bool,
    ) -> Result<Swap, StoreError> {
        if let Some(swap) = self.overtaken(expected)? {
            return Ok(swap);
        }
        if !fits(new.bytes().saturating_sub(self.bytes())) {
            return Err(StoreError::not_sent(StoreErrorKind::Full));
        }
        std::mem::swap(self, new);
        Ok(Swap::Done)
    }

    pub(super) fn touch(
        &mut self,
        expected: Revision,
        deadline: Timestamp,
    ) -> Result<bool, StoreError> {
        let touchable =
            |record: &Record| record.revision() == expected && record.idle_deadline() < deadline;
        match self.load()? {
            Stored::Live(record) if touchable(&record) => {
                let touched = record.with_idle_deadline(deadline);
                self.expires = touched.expires_at();
                match &mut self.kept {
                    Kept::Encoded(encoded) => {
                        encoded.bytes = Stored::Live(touched).to_bytes()?.into_boxed_slice();
                    }
                    kept => *kept = Kept::Live(touched),
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Puts a tombstone here if the record is of this revision; on success the second is what stood here.
    pub(super) fn end_if(
        &mut self,
        expected: Revision,
        ending: Ending,
    ) -> Result<(Swap, Option<Self>), StoreError> {
        match self.overtaken(expected)? {
            Some(swap) => Ok((swap, None)),
            None => self.end(ending).map(|(_, old)| (Swap::Done, old)),
        }
    }

    /// Puts a tombstone here; on success `old` is what stood here.
    pub(super) fn end(&mut self, ending: Ending) -> Result<(Ended, Option<Self>), StoreError> {
        match self.load()? {
            Stored::Ended(_) => Ok((Ended::Already, None)),
            Stored::Live(record) => {
                let encoded = matches!(self.kept, Kept::Encoded(_));
                let tombstone = Self::new(Stored::Ended(record.ended(ending)), encoded)?;
                Ok((Ended::Now, Some(std::mem::replace(self, tombstone))))
            }
        }
    }
}
