//! Sessions picked out of a store, never more than a page's worth of work at a time.

use cloakroom::record::{Record, Stored};
use cloakroom::store::{Cursor, Page, Scanned, StoreError};
use cloakroom::{Principal, PublicId, Store, Timestamp};

use super::census::{AGES, Age};

/// Sessions shown on a page.
pub(super) const SHOWN: usize = 50;
/// Entries that are read for one page, whether they are shown or not.
const READ: usize = 5_000;
const AT_ONCE: usize = 500;

/// Which sessions.
#[derive(Clone, Debug)]
pub(super) enum Which {
    All,
    Of(Principal),
    Aged(Age),
    One(PublicId),
}

impl Which {
    /// What somebody typed: a session's name, else a principal's.
    pub(super) fn typed(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.parse() {
            Ok(id) => Some(Self::One(id)),
            Err(_) => Principal::new(text).ok().map(Self::Of),
        }
    }

    pub(super) fn aged(name: &str) -> Option<Self> {
        AGES.into_iter().find(|age| age.name == name).map(Self::Aged)
    }
}

/// A part of a list.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sessions: Vec<(PublicId, Record)>,
    /// Where the next part begins, if there may be more.
    pub(super) next: Option<Cursor>,
}

/// Live sessions from `from` on.
pub(super) async fn find(
    store: &dyn Store,
    which: &Which,
    from: Option<Cursor>,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let (mut from, mut read) = (from, 0);
    loop {
        let part = part(store, which, from.as_ref()).await?;
        for (used, (id, stored)) in part.entries.iter().enumerate() {
            if found.sessions.len() == SHOWN {
                found.next = part.after(used, from.as_ref());
                return Ok(found);
            }
            if let Some(record) = live(stored.clone(), which, now) {
                found.sessions.push((*id, record));
            }
        }
        read += part.entries.len();
        from = part.next;
        if from.is_none() {
            return Ok(found);
        }
        if read >= READ {
            found.next = from;
            return Ok(found);
        }
    }
}

async fn part(
    store: &dyn Store,
    which: &Which,
    from: Option<&Cursor>,
) -> Result<Scanned, StoreError> {
    let page = match which {
        Which::All | Which::Aged(_) => return store.scan(from, AT_ONCE).await,
        Which::One(_) => Page::first(2),
        Which::Of(_) => Page::of_scan(from, AT_ONCE)?,
    };
    let ids = match which {
        Which::One(id) => vec![*id],
        Which::Of(principal) => store.sessions_of(principal, page).await?,
        Which::All | Which::Aged(_) => Vec::new(),
    };
    let mut entries = Vec::with_capacity(ids.len());
    for id in &ids {
        entries.extend(store.get(*id).await?.map(|stored| (*id, stored)));
    }
    let mut part = Scanned::in_order(entries, page);
    part.next = ids.last().filter(|_| ids.len() >= page.limit()).map(|last| Cursor::from(*last));
    Ok(part)
}

fn live(stored: Stored, which: &Which, now: Timestamp) -> Option<Record> {
    let Stored::Live(record) = stored else { return None };
    let wanted = match which {
        Which::All | Which::One(_) => true,
        Which::Of(principal) => record.principal() == Some(principal),
        Which::Aged(age) => age.holds(&record, now),
    };
    Some(record).filter(|record| wanted && !record.expires_at().has_passed(now))
}

#[cfg(test)]
mod tests {
    use cloakroom::{MemoryStore, SessionMap, Sessions};
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_long_list_comes_in_parts_and_whole() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
        let alice = Principal::new("alice").unwrap();
        for number in 0..260 {
            let mut session = sessions.generate(SessionMap::default()).await.unwrap();
            if number % 2 == 0 {
                session.login(&alice).await.unwrap();
            }
        }
        for (which, total) in
            [(Which::All, 260), (Which::Of(alice), 130), (Which::Aged(AGES[0]), 260)]
        {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let part = find(&*store, &which, after, sessions.now()).await.unwrap();
                assert!(part.sessions.len() <= SHOWN);
                seen.extend(part.sessions.iter().map(|(id, _)| *id));
                match part.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert!(seen.is_sorted() && seen.len() == total, "{which:?}: {}", seen.len());
        }
    }

    #[test]
    fn what_is_typed_is_a_session_or_a_principal() {
        let id = PublicId::from_bytes([7; 16]);
        assert!(matches!(Which::typed(&format!(" {id} ")), Some(Which::One(found)) if found == id));
        assert!(matches!(Which::typed("alice"), Some(Which::Of(_))));
        assert!(Which::typed("  ").is_none());
    }
}
