//! One entry: a session as it is, or as bytes.

use std::borrow::Cow;

use crate::principal::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{Ended, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;

/// What an entry takes beside its payload or its bytes, roughly: tables, deadlines, verifiers.
const OVERHEAD: usize = 512;

pub(super) struct Slot {
    kept: Kept,
    expires: Timestamp,
    bytes: usize,
}

enum Kept {
    Shared(Stored),
    Bytes { bytes: Box<[u8]>, ended: bool },
}

impl Slot {
    /// Measures the entry, which finds out what can't be written in either form.
    pub(super) fn new(stored: Stored, encoded: bool) -> Result<Self, StoreError> {
        let expires = stored.expires_at();
        if encoded {
            let ended = matches!(stored, Stored::Ended(_));
            let bytes = stored.to_bytes()?.into_boxed_slice();
            let size = OVERHEAD + bytes.len();
            return Ok(Self { kept: Kept::Bytes { bytes, ended }, expires, bytes: size });
        }
        let bytes = match &stored {
            Stored::Live(record) => record.payload().measure()?,
            Stored::Ended(_) => 0,
        };
        Ok(Self { kept: Kept::Shared(stored), expires, bytes: OVERHEAD + bytes })
    }

    pub(super) fn load(&self) -> Result<Stored, StoreError> {
        self.view().map(Cow::into_owned)
    }

    /// The entry without a copy, where it is kept as it is.
    fn view(&self) -> Result<Cow<'_, Stored>, StoreError> {
        match &self.kept {
            Kept::Shared(stored) => Ok(Cow::Borrowed(stored)),
            Kept::Bytes { bytes, .. } => Ok(Cow::Owned(Stored::from_bytes(bytes)?)),
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_garbage(&self, now: Timestamp) -> bool {
        self.expires.has_passed(now)
    }

    pub(super) const fn is_tombstone(&self) -> bool {
        matches!(&self.kept, Kept::Shared(Stored::Ended(_)) | Kept::Bytes { ended: true, .. })
    }

    pub(super) fn principal(&self) -> Option<Principal> {
        match &self.kept {
            Kept::Shared(Stored::Live(record)) => record.principal().cloned(),
            Kept::Shared(Stored::Ended(tombstone)) => tombstone.principal().cloned(),
            Kept::Bytes { .. } => match self.load().ok()? {
                Stored::Live(record) => record.principal().cloned(),
                Stored::Ended(tombstone) => tombstone.principal().cloned(),
            },
        }
    }

    /// Compares and swaps, if `fits` grants the bytes that the entry grows by; on success `new` holds what stood here.
    pub(super) fn replace(
        &mut self,
        expected: Revision,
        new: &mut Self,
        fits: impl FnOnce(usize) -> bool,
    ) -> Result<Swap, StoreError> {
        match &*self.view()? {
            Stored::Ended(_) => return Ok(Swap::Gone),
            Stored::Live(current) if current.revision() != expected => {
                return Ok(Swap::Stale(current.clone()));
            }
            Stored::Live(_) => {}
        }
        if !fits(new.bytes.saturating_sub(self.bytes)) {
            return Err(StoreError::not_sent(StoreErrorKind::Full));
        }
        std::mem::swap(self, new);
        Ok(Swap::Done)
    }

    pub(super) fn touch(&mut self, expected: Revision, deadline: Timestamp) -> Result<bool, StoreError> {
        let touchable = |record: &Record| record.revision() == expected && record.idle_deadline() < deadline;
        match self.load()? {
            Stored::Live(record) if touchable(&record) => {
                let touched = Stored::Live(record.with_idle_deadline(deadline));
                let expires = touched.expires_at();
                match &mut self.kept {
                    Kept::Shared(stored) => *stored = touched,
                    Kept::Bytes { bytes, .. } => *bytes = touched.to_bytes()?.into_boxed_slice(),
                }
                self.expires = expires;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Puts a tombstone here if the record is of this revision; on success the second is what stood here.
    pub(super) fn end_at(
        &mut self,
        expected: Revision,
        ending: Ending,
    ) -> Result<(Swap, Option<Self>), StoreError> {
        match &*self.view()? {
            Stored::Ended(_) => return Ok((Swap::Gone, None)),
            Stored::Live(current) if current.revision() != expected => {
                return Ok((Swap::Stale(current.clone()), None));
            }
            Stored::Live(_) => {}
        }
        self.end(ending).map(|(_, old)| (Swap::Done, old))
    }

    /// Puts a tombstone here; on success `old` is what stood here.
    pub(super) fn end(&mut self, ending: Ending) -> Result<(Ended, Option<Self>), StoreError> {
        match self.load()? {
            Stored::Ended(_) => Ok((Ended::Already, None)),
            Stored::Live(record) => {
                let encoded = matches!(self.kept, Kept::Bytes { .. });
                let tombstone = Self::new(Stored::Ended(record.ended(ending)), encoded)?;
                Ok((Ended::Now, Some(std::mem::replace(self, tombstone))))
            }
        }
    }
}
