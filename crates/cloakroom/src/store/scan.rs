//! Scans of a whole store, in parts and in the engine's own order.

use std::fmt;
use std::str::FromStr;

use super::{Page, StoreError, StoreErrorKind};
use crate::key::{KindTag, PublicId, hex};
use crate::record::{DecodeError, Stored};

/// The position from which a scan continues; only the store that made it can interpret it.
///
/// A cursor can be kept and used later. [`Display`](fmt::Display) and [`FromStr`] use hexadecimal
/// digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// A cursor of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The cursor's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<PublicId> for Cursor {
    /// The position after entry `last`, in a store that scans in the order of ids.
    fn from(last: PublicId) -> Self {
        Self(last.as_bytes().to_vec())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let mut bytes = vec![0; text.len() / 2];
        let read = hex::read(text, &mut bytes).filter(|()| !bytes.is_empty());
        read.map(|()| Self(bytes)).ok_or(ParseCursorError(()))
    }
}

/// The error for a text that is not a [`Cursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCursorError(());

impl fmt::Display for ParseCursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scan cursor is a non-empty sequence of pairs of hexadecimal digits")
    }
}

impl std::error::Error for ParseCursorError {}

/// A part of a store's entries: the answer to [`Store::scan`](super::Store::scan).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scanned {
    /// The entries of this part. It can be empty even if more follow.
    pub entries: Vec<(PublicId, Stored)>,
    /// Entries of this part that cannot be decoded.
    pub unreadable: Vec<PublicId>,
    /// The position to continue from; `None` at the end.
    pub next: Option<Cursor>,
    is_by_id: bool,
}

impl Scanned {
    /// A part of a scan in an order of the engine's own.
    pub fn new(entries: Vec<(PublicId, Stored)>, next: Option<Cursor>) -> Self {
        let mut part = Self { entries, unreadable: Vec::new(), next, is_by_id: false };
        part.entries.retain(|(_, stored)| !is_of_index(stored));
        part
    }

    /// A part of a scan in the order of ids; a page that is not full is the last.
    pub fn in_order(entries: Vec<(PublicId, Stored)>, page: Page) -> Self {
        Self::decoded_in_order(
            entries.into_iter().map(|(id, entry)| (id, Ok(entry))).collect(),
            page,
        )
    }

    /// A part of a scan in the order of ids, with entries that may not have been decoded.
    pub fn decoded_in_order(
        rows: Vec<(PublicId, Result<Stored, DecodeError>)>,
        page: Page,
    ) -> Self {
        let last = rows.last().filter(|_| rows.len() >= page.limit());
        let next = last.map(|(id, _)| Cursor::from(*id));
        let mut part = Self { entries: Vec::new(), unreadable: Vec::new(), next, is_by_id: true };
        for (id, decoded) in rows {
            part.add(id, decoded);
        }
        part
    }

    /// Adds an entry, or its id if it could not be decoded.
    pub fn add(&mut self, id: PublicId, decoded: Result<Stored, DecodeError>) {
        match decoded {
            Ok(stored) if is_of_index(&stored) => {}
            Ok(stored) => self.entries.push((id, stored)),
            Err(_) => self.unreadable.push(id),
        }
    }

    /// The position to continue from if only the first `used` entries of this part, which started
    /// at `from`, were used.
    ///
    /// Without an order by id that is `from` itself, so those entries are returned again.
    pub fn after(&self, used: usize, from: Option<&Cursor>) -> Option<Cursor> {
        match used.checked_sub(1).and_then(|last| self.entries.get(last)) {
            Some(_) if used == self.entries.len() => self.next.clone(),
            Some((last, _)) if self.is_by_id => Some(Cursor::from(*last)),
            _ => from.cloned(),
        }
    }
}

/// Whether the entry is no session, but what [`derive_index!`](crate::derive_index) keeps of a
/// principal.
fn is_of_index(stored: &Stored) -> bool {
    matches!(stored, Stored::Live(record) if record.kind() == KindTag::PRINCIPAL)
}

impl Page {
    /// The page that a scan requests from a store that scans in the order of ids.
    ///
    /// # Errors
    /// [`StoreErrorKind::Foreign`] for a cursor of another kind of store.
    pub fn of_scan(from: Option<&Cursor>, limit: usize) -> Result<Self, StoreError> {
        let page = Self::first(limit);
        let Some(cursor) = from else { return Ok(page) };
        match <[u8; 16]>::try_from(cursor.as_bytes()) {
            Ok(bytes) => Ok(page.after(PublicId::from_bytes(bytes))),
            Err(_) => Err(StoreError::not_sent(StoreErrorKind::Foreign)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_of_a_cursor_parses_as_one() {
        let cursor = Cursor::from_bytes([0, 0xab, 7]);
        assert_eq!(cursor.to_string(), "00ab07");
        assert_eq!("00ab07".parse(), Ok(cursor));
        for text in ["", "0", "00a", "zz", "0 "] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_cursor_of_another_store_is_refused() {
        let error = Page::of_scan(Some(&Cursor::from_bytes([1])), 10).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Foreign);
        let id = PublicId::from_bytes([9; 16]);
        assert_eq!(Page::of_scan(Some(&id.into()), 10).unwrap(), Page::first(10).after(id));
    }
}
