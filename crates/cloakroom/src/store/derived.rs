//! Operations that a store need not write itself: each is made of those that it must.

use super::{Ended, Store, StoreError, Swap};
use crate::key::{KindTag, PublicId};
use crate::record::{Ending, Record, Revision, Stored};
use crate::time::Timestamp;

/// [`Store::touch`] as a read and a write of the whole record.
pub(super) async fn touch<S: Store + ?Sized>(
    store: &S,
    id: PublicId,
    expected: Revision,
    deadline: Timestamp,
) -> Result<bool, StoreError> {
    let Some(Stored::Live(seen)) = store.get(id).await? else { return Ok(false) };
    if seen.revision() != expected || seen.idle_deadline() >= deadline {
        return Ok(false);
    }
    // The revision stays, so a writer that has read this record still wins.
    let moved = seen.clone().with_idle_deadline(deadline);
    let swap = store.replace(id, &seen, moved, seen.created()).await?;
    Ok(matches!(swap, Swap::Done))
}

/// [`Store::end`] as a read and an [`end_if`](Store::end_if), again until that wins.
pub(crate) async fn end<S: Store + ?Sized>(
    store: &S,
    id: PublicId,
    ending: Ending,
) -> Result<Ended, StoreError> {
    loop {
        let mut seen: Record = match store.get(id).await? {
            None => return Ok(Ended::Absent),
            Some(Stored::Ended(_)) => return Ok(Ended::Already),
            // What is known of a principal is no session, though anyone can have its id.
            Some(Stored::Live(record)) if record.kind() == KindTag::PRINCIPAL => {
                return Ok(Ended::Absent);
            }
            Some(Stored::Live(record)) => record,
        };
        loop {
            match store.end_if(id, seen.revision(), ending).await? {
                Swap::Done => return Ok(Ended::Now),
                Swap::Stale(current) => seen = current,
                // It was ended or removed: the entry says which.
                Swap::Gone => break,
            }
        }
    }
}
