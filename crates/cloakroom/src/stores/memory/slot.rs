//! One entry: a session as a typed value, or as bytes.

use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored, Tombstone};
use crate::store::{Ended, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// About how many bytes an entry takes in addition to its payload, for tables, deadlines and
/// verifiers.
const OVERHEAD: usize = 512;

/// There is one for every session, and unused room for more, so it is kept small.
pub(super) struct Slot {
    content: Content,
    expires: Timestamp,
    bytes: u32,
}

enum Content {
    Live(Record),
    Ended(Tombstone),
    Encoded(Box<Encoded>),
}

struct Encoded {
    bytes: Box<[u8]>,
    ended: bool,
}

impl Slot {
    /// Measures the entry, which also finds a value that cannot be encoded.
    pub(super) fn new(stored: Stored, encodes: bool) -> Result<Self, StoreError> {
        let expires = stored.expires_at();
        let (content, size) = match stored {
            stored if encodes => {
                let (ended, bytes) = (matches!(stored, Stored::Ended(_)), stored.to_bytes()?);
                let size = bytes.len();
                (
                    Content::Encoded(Box::new(Encoded { bytes: bytes.into_boxed_slice(), ended })),
                    size,
                )
            }
            Stored::Live(record) => {
                let size = record.payload().memory()?;
                (Content::Live(record), size)
            }
            Stored::Ended(tombstone) => (Content::Ended(tombstone), 0),
        };
        Ok(Self { content, expires, bytes: u32::try_from(OVERHEAD + size).unwrap_or(u32::MAX) })
    }

    /// The entry. A typed value is not copied.
    pub(super) fn load(&self) -> Result<Stored, StoreError> {
        match &self.content {
            Content::Live(record) => Ok(Stored::Live(record.clone())),
            Content::Ended(tombstone) => Ok(Stored::Ended(tombstone.clone())),
            Content::Encoded(encoded) => Ok(Stored::from_bytes(&encoded.bytes)?),
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes as usize
    }

    pub(super) fn is_garbage(&self, now: Timestamp) -> bool {
        self.expires.has_passed(now)
    }

    pub(super) const fn is_tombstone(&self) -> bool {
        match &self.content {
            Content::Live(_) => false,
            Content::Ended(_) => true,
            Content::Encoded(encoded) => encoded.ended,
        }
    }

    pub(super) fn principal(&self) -> Option<Principal> {
        match self.load().ok()? {
            Stored::Live(record) => record.principal().cloned(),
            Stored::Ended(tombstone) => tombstone.principal().cloned(),
        }
    }

    /// The answer to a caller that expects another revision than the current one.
    fn mismatch(&self, expected: Revision) -> Result<Option<Swap>, StoreError> {
        match &self.content {
            Content::Live(current) if current.revision() == expected => Ok(None),
            _ => Ok(match self.load()? {
                Stored::Ended(_) => Some(Swap::Gone),
                Stored::Live(current) if current.revision() == expected => None,
                Stored::Live(current) => Some(Swap::Stale(current)),
            }),
        }
    }

    /// Compares and swaps, if `fits` accepts the bytes that the entry grows by; `new` then holds
    /// the old entry.
    pub(super) fn replace(
        &mut self,
        expected: Revision,
        new: &mut Self,
        fits: impl FnOnce(usize) -> bool,
    ) -> Result<Swap, StoreError> {
        if let Some(swap) = self.mismatch(expected)? {
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
                match &mut self.content {
                    Content::Encoded(encoded) => {
                        encoded.bytes = Stored::Live(touched).to_bytes()?.into_boxed_slice();
                    }
                    content => *content = Content::Live(touched),
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Replaces the record of this revision with its tombstone, and returns the old entry.
    pub(super) fn end_if(
        &mut self,
        expected: Revision,
        ending: Ending,
    ) -> Result<(Swap, Option<Self>), StoreError> {
        match self.mismatch(expected)? {
            Some(swap) => Ok((swap, None)),
            None => self.end(ending).map(|(_, old)| (Swap::Done, old)),
        }
    }

    /// Replaces the record with its tombstone, and returns the old entry.
    pub(super) fn end(&mut self, ending: Ending) -> Result<(Ended, Option<Self>), StoreError> {
        match self.load()? {
            Stored::Ended(_) => Ok((Ended::Already, None)),
            Stored::Live(record) => {
                let encodes = matches!(self.content, Content::Encoded(_));
                let tombstone = Self::new(Stored::Ended(record.ended(ending)), encodes)?;
                Ok((Ended::Now, Some(std::mem::replace(self, tombstone))))
            }
        }
    }
}
