//! One entry: a session as a typed value, or as bytes.

use crate::key::KindTag;
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored, Tombstone};
use crate::store::{Ended, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// About how many bytes an entry takes in addition to its payload and to the texts in its record,
/// for tables, deadlines and verifiers.
pub(super) const OVERHEAD: usize = 512;

/// There is one for every session, and unused room for more, so it is kept small.
pub(super) struct Slot {
    content: Content,
    expires: Timestamp,
    bytes: u32,
    /// Whether the session was read or touched since it was created, which takes its key.
    came_back: bool,
}

enum Content {
    Live(Record),
    Ended(Tombstone),
    Encoded(Box<Encoded>),
}

struct Encoded {
    bytes: Box<[u8]>,
    ended: bool,
    created: Timestamp,
    has_principal: bool,
}

impl Slot {
    /// Measures the entry, which also finds a value that cannot be encoded.
    pub(super) fn new(stored: Stored, encodes: bool) -> Result<Self, StoreError> {
        let expires = stored.expires_at();
        let came_back = matches!(&stored, Stored::Live(record) if is_kept(record));
        let (content, size) = match stored {
            stored if encodes => {
                let entry = Encoded::new(&stored)?;
                let size = entry.bytes.len();
                (Content::Encoded(Box::new(entry)), size)
            }
            Stored::Live(record) => {
                let record = without_decoded(record);
                let size = record.payload().memory()?.saturating_add(record.memory());
                (Content::Live(record), size)
            }
            Stored::Ended(tombstone) => {
                let size = tombstone.memory();
                (Content::Ended(tombstone), size)
            }
        };
        let bytes = u32::try_from(OVERHEAD.saturating_add(size)).unwrap_or(u32::MAX);
        Ok(Self { content, expires, bytes, came_back })
    }

    /// The entry, for a caller that has its key.
    pub(super) fn read(&mut self) -> Result<Stored, StoreError> {
        self.came_back = true;
        self.load()
    }

    /// Since when the session has waited for its client to come back; `None` once it did, and for
    /// a session that someone has signed in on.
    pub(super) fn waits_since(&self) -> Option<Timestamp> {
        let (created, stays) = match &self.content {
            Content::Live(record) => (record.created(), record.principal().is_some()),
            Content::Ended(_) => return None,
            Content::Encoded(encoded) => (encoded.created, encoded.ended || encoded.has_principal),
        };
        Some(created).filter(|_| !self.came_back && !stays)
    }

    /// The entry. A typed value is not copied.
    pub(super) fn load(&self) -> Result<Stored, StoreError> {
        match &self.content {
            Content::Live(record) => Ok(Stored::Live(without_decoded(record.clone()))),
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
        new.came_back = self.came_back;
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
                self.came_back = true;
                match &mut self.content {
                    Content::Encoded(encoded) => {
                        **encoded = Encoded::new(&Stored::Live(touched))?;
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

/// True if the record does not make room for others: the session was used after it was created, as
/// one from another store was, or it is no session, but what is known of a principal.
fn is_kept(record: &Record) -> bool {
    record.kind() == KindTag::PRINCIPAL
        || record.last_seen().is_some_and(|seen| seen > record.created())
}

impl Encoded {
    fn new(stored: &Stored) -> Result<Self, StoreError> {
        let (ended, created, principal) = match stored {
            Stored::Live(record) => (false, record.created(), record.principal()),
            Stored::Ended(tombstone) => (true, tombstone.ending().at(), tombstone.principal()),
        };
        let bytes = stored.to_bytes()?.into_boxed_slice();
        Ok(Self { bytes, ended, created, has_principal: principal.is_some() })
    }
}

/// The record with a payload that no other request decodes: of a value in bytes, nothing else is
/// counted.
fn without_decoded(record: Record) -> Record {
    if record.payload().as_bytes().is_none() {
        return record;
    }
    record.edited(|fields| fields.payload = fields.payload.without_decoded())
}
