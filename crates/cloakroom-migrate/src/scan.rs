//! Scans the old store and then the new one, so that a session that moves during the scan is seen.

use cloakroom::Store;
use cloakroom::record::{MigrationState, Stored};
use cloakroom::store::{Cursor, Scanned, StoreError, StoreErrorKind};

use crate::MigratingStore;

/// The first byte of a cursor: which store the rest of it belongs to.
const OLD: u8 = 0;
const NEW: u8 = 1;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    pub(crate) async fn scan_both(
        &self,
        from: Option<Cursor>,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        let foreign = || StoreError::not_sent(StoreErrorKind::Foreign);
        let (which, inner) = match from.as_ref().map(Cursor::as_bytes) {
            None => (OLD, None),
            Some([which, inner @ ..]) => {
                (*which, (!inner.is_empty()).then(|| Cursor::from_bytes(inner)))
            }
            Some([]) => return Err(foreign()),
        };
        let (entries, unreadable, next) = match which {
            OLD => {
                let part = self.old.scan(inner.as_ref(), limit).await?;
                let next = match &part.next {
                    Some(next) => cursor(OLD, next.as_bytes()),
                    None => cursor(NEW, &[]),
                };
                let entries =
                    part.entries.into_iter().filter_map(|(id, entry)| Some((id, visible(entry)?)));
                (entries.collect(), part.unreadable, Some(next))
            }
            NEW => {
                let part = self.new.scan(inner.as_ref(), limit).await?;
                let next = part.next.map(|next| cursor(NEW, next.as_bytes()));
                (part.entries, part.unreadable, next)
            }
            _ => return Err(foreign()),
        };
        let mut part = Scanned::new(entries, next);
        part.unreadable = unreadable;
        Ok(part)
    }
}

/// An entry of the old store as callers see it; `None` if the session has moved.
fn visible(entry: Stored) -> Option<Stored> {
    match entry {
        Stored::Live(record) if record.migration_state() == MigrationState::Moved => None,
        Stored::Live(record) => Some(Stored::Live(record.unfenced())),
        ended @ Stored::Ended(_) => Some(ended),
    }
}

fn cursor(which: u8, inner: &[u8]) -> Cursor {
    Cursor::from_bytes([&[which], inner].concat())
}
