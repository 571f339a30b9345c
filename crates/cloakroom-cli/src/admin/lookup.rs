//! Sessions picked out of a store, never more than a page's worth of work at a time.

use cloakroom::{Page, Principal, Record, SessionId, Store, StoreError, Stored, Timestamp};

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
    One(SessionId),
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
    pub(super) sessions: Vec<(SessionId, Record)>,
    /// Where the next part begins, if there may be more.
    pub(super) next: Option<SessionId>,
}

/// Live sessions after `after`, by id.
pub(super) async fn find(
    store: &dyn Store,
    which: &Which,
    after: Option<SessionId>,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let (mut after, mut read) = (after, 0);
    loop {
        let page = after.map_or(Page::first(AT_ONCE), |after| Page::first(AT_ONCE).after(after));
        let entries = entries(store, which, page).await?;
        let count = entries.len();
        for (id, stored) in entries {
            if found.sessions.len() == SHOWN {
                found.next = after;
                return Ok(found);
            }
            after = Some(id);
            if let Some(record) = stored.and_then(|stored| live(stored, which, now)) {
                found.sessions.push((id, record));
            }
        }
        read += count;
        if count < AT_ONCE || matches!(which, Which::One(_)) {
            return Ok(found);
        }
        if read >= READ {
            found.next = after;
            return Ok(found);
        }
    }
}

/// Names and entries of one page; without the entry where there is none under the name.
async fn entries(
    store: &dyn Store,
    which: &Which,
    page: Page,
) -> Result<Vec<(SessionId, Option<Stored>)>, StoreError> {
    let ids = match which {
        Which::One(id) => vec![*id],
        Which::Of(principal) => store.ids_of(principal, page).await?,
        Which::All | Which::Aged(_) => {
            let entries = store.scan(page).await?;
            return Ok(entries.into_iter().map(|(id, stored)| (id, Some(stored))).collect());
        }
    };
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        entries.push((id, store.get(id).await?));
    }
    Ok(entries)
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
    use cloakroom::{Map, MemoryStore, Sessions};
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_long_list_comes_in_parts_and_whole() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let sessions: Sessions<Map> = Sessions::new(Arc::clone(&store)).unwrap();
        let alice = Principal::new("alice").unwrap();
        for number in 0..260 {
            let mut session = sessions.generate(Map::default()).await.unwrap();
            if number % 2 == 0 {
                session.login(&alice).await.unwrap();
            }
        }
        for (which, total) in [(Which::All, 260), (Which::Of(alice), 130), (Which::Aged(AGES[0]), 260)] {
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
        let id = SessionId::from_bytes([7; 16]);
        assert!(matches!(Which::typed(&format!(" {id} ")), Some(Which::One(found)) if found == id));
        assert!(matches!(Which::typed("alice"), Some(Which::Of(_))));
        assert!(Which::typed("  ").is_none());
    }
}
