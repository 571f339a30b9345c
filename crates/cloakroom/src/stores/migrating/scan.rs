//! Going through both stores: first the old one, then the new, which shows what leaves the old one meanwhile.

use super::journey::Journey;
use crate::record::Stored;
use crate::record::fence::{State, freed, state_of};
use crate::store::{Cursor, Scanned, Store, StoreError, StoreErrorKind};

/// How a cursor begins that is the old store's, and the new one's.
const OLD: u8 = 0;
const NEW: u8 = 1;

impl<Old: Store, New: Store> Journey<Old, New> {
    pub(super) async fn scan(
        &self,
        from: Option<Cursor>,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        let (which, place) = match from.as_ref().map(Cursor::as_bytes) {
            None => (OLD, None),
            Some([which, place @ ..]) => {
                (*which, (!place.is_empty()).then(|| Cursor::from_bytes(place)))
            }
            Some([]) => return Err(foreign()),
        };
        let (entries, unreadable, next) = match which {
            OLD => {
                let part = self.old.scan(place.as_ref(), limit).await?;
                let next = part
                    .next
                    .as_ref()
                    .map_or_else(|| mark(NEW, &[]), |next| mark(OLD, next.as_bytes()));
                let entries =
                    part.entries.into_iter().filter_map(|(id, entry)| Some((id, shown(entry)?)));
                (entries.collect(), part.unreadable, Some(next))
            }
            NEW => {
                let part = self.new.scan(place.as_ref(), limit).await?;
                (part.entries, part.unreadable, part.next.map(|next| mark(NEW, next.as_bytes())))
            }
            _ => return Err(foreign()),
        };
        let mut part = Scanned::new(entries, next);
        part.unreadable = unreadable;
        Ok(part)
    }
}

/// An entry of the old store as it is to be seen; nothing of what has moved.
fn shown(entry: Stored) -> Option<Stored> {
    match entry {
        Stored::Live(record) if state_of(&record) == State::Moved => None,
        Stored::Live(record) => Some(Stored::Live(freed(record))),
        ended @ Stored::Ended(_) => Some(ended),
    }
}

fn mark(which: u8, place: &[u8]) -> Cursor {
    Cursor::from_bytes([&[which], place].concat())
}

/// A cursor of neither store.
fn foreign() -> StoreError {
    StoreError::not_sent(StoreErrorKind::Foreign)
}
