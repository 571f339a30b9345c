//! Going through a store, however long that takes and whatever order its engine has.

use std::fmt;
use std::str::FromStr;

use super::{Page, StoreError, StoreErrorKind};
use crate::key::PublicId;
use crate::key::hex;
use crate::record::{DecodeError, Stored};

/// Where a scan goes on: the store's own mark, which means nothing to anybody else.
///
/// It may be kept and used much later, and printed: [`Display`](fmt::Display) and [`FromStr`] are hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// The mark made of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The mark's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<PublicId> for Cursor {
    /// After the entry of this id, in a store that goes by ids in order.
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

/// A text that is no [`Cursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCursorError(());

impl fmt::Display for ParseCursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("where a scan goes on is written in pairs of hexadecimal digits")
    }
}

impl std::error::Error for ParseCursorError {}

/// A part of a store's entries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scanned {
    /// Some entries; perhaps none, though more are to come.
    pub entries: Vec<(PublicId, Stored)>,
    /// Those of the part that can't be read, which must not keep anybody from the others.
    pub unreadable: Vec<PublicId>,
    /// Where it goes on; `None` at the end.
    pub next: Option<Cursor>,
    is_by_id: bool,
}

impl Scanned {
    /// These entries of an engine with an order of its own, and where it goes on.
    pub const fn new(entries: Vec<(PublicId, Stored)>, next: Option<Cursor>) -> Self {
        Self { entries, unreadable: Vec::new(), next, is_by_id: false }
    }

    /// The answer of a store that goes by ids in order: a page that is not full was the last.
    pub fn in_order(entries: Vec<(PublicId, Stored)>, page: Page) -> Self {
        let last = entries.last().filter(|_| entries.len() >= page.limit());
        let next = last.map(|(id, _)| Cursor::from(*id));
        Self { entries, unreadable: Vec::new(), next, is_by_id: true }
    }

    /// The same, of what was read and could perhaps not be decoded.
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

    /// An entry more, as far as it could be decoded.
    pub fn add(&mut self, id: PublicId, decoded: Result<Stored, DecodeError>) {
        match decoded {
            Ok(stored) => self.entries.push((id, stored)),
            Err(_) => self.unreadable.push(id),
        }
    }

    /// Where it goes on for who used but the first `used` entries of this part, which began at `from`.
    ///
    /// Where there is no order by id, that is where the part began: those entries are shown again.
    pub fn after(&self, used: usize, from: Option<&Cursor>) -> Option<Cursor> {
        match used.checked_sub(1).and_then(|last| self.entries.get(last)) {
            Some(_) if used == self.entries.len() => self.next.clone(),
            Some((last, _)) if self.is_by_id => Some(Cursor::from(*last)),
            _ => from.cloned(),
        }
    }
}

impl Page {
    /// The page that a scan asks of a store that goes by ids in order.
    ///
    /// # Errors
    /// [`StoreErrorKind::Foreign`] for the cursor of another sort of store.
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
    fn a_cursor_is_read_back_from_its_text_and_nothing_else_is() {
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
