//! Finding sessions in a store, with bounded work for each page of results.

use cloakroom::record::{Record, Stored};
use cloakroom::store::{Cursor, Page, Scanned, StoreError};
use cloakroom::{Principal, PublicId, Store, Timestamp};

use super::stats::{AGES, Age};
use crate::id_prefix::{self, IdPrefix};

/// Sessions on a page of results.
const SHOWN: usize = 50;
/// The most sessions read for one page of results.
const MAX_READ: usize = 5_000;
/// Sessions read at once.
const BATCH: usize = 500;

/// Which sessions to find.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    All,
    Principal(Principal),
    Age(Age),
    Id(PublicId),
    Prefix(IdPrefix),
}

impl Filter {
    /// A search term: a session ID, or else a principal.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.parse() {
            Ok(id) => Some(Self::Id(id)),
            Err(_) => Principal::new(text).ok().map(Self::Principal),
        }
    }

    /// Sessions in the range of ages with this name.
    pub(super) fn age(name: &str) -> Option<Self> {
        AGES.into_iter().find(|age| age.name == name).map(Self::Age)
    }

    fn matches(&self, record: &Record, now: Timestamp) -> bool {
        match self {
            Self::All | Self::Id(_) | Self::Prefix(_) => true,
            Self::Principal(principal) => record.principal() == Some(principal),
            Self::Age(age) => age.contains(record, now),
        }
    }
}

/// A page of results.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) sessions: Vec<(PublicId, Record)>,
    /// Where the next page starts, if there can be more.
    pub(super) next: Option<Cursor>,
}

/// Finds the live sessions of a principal, or else those whose ids begin with the principal's name:
/// a name can be of digits, too. All other filters are those of [`find`].
pub(super) async fn search(
    store: &dyn Store,
    filter: Filter,
    from: Option<Cursor>,
    now: Timestamp,
) -> Result<(Filter, Results), StoreError> {
    let is_first = from.is_none();
    let results = find(store, &filter, from, now).await?;
    if let Filter::Principal(name) = &filter {
        if let (true, true, Ok(prefix)) =
            (is_first, results.sessions.is_empty() && results.next.is_none(), name.as_str().parse())
        {
            let filter = Filter::Prefix(prefix);
            let results = find(store, &filter, None, now).await?;
            return Ok((filter, results));
        }
    }
    Ok((filter, results))
}

/// Finds live sessions from `from` on.
pub(super) async fn find(
    store: &dyn Store,
    filter: &Filter,
    mut from: Option<Cursor>,
    now: Timestamp,
) -> Result<Results, StoreError> {
    let mut results = Results::default();
    let mut read = 0;
    loop {
        let batch = read_batch(store, filter, from.as_ref()).await?;
        for (used, (id, stored)) in batch.entries.iter().enumerate() {
            if results.sessions.len() == SHOWN {
                results.next = batch.after(used, from.as_ref());
                return Ok(results);
            }
            let Stored::Live(record) = stored else { continue };
            if !record.expires_at().has_passed(now) && filter.matches(record, now) {
                results.sessions.push((*id, record.clone()));
            }
        }
        read += batch.entries.len();
        from = batch.next;
        if from.is_none() || read >= MAX_READ {
            results.next = from;
            return Ok(results);
        }
    }
}

/// Reads sessions that can match, of every kind: those of a principal by the index, all others by a
/// scan.
async fn read_batch(
    store: &dyn Store,
    filter: &Filter,
    from: Option<&Cursor>,
) -> Result<Scanned, StoreError> {
    let (ids, page) = match filter {
        Filter::Prefix(prefix) => {
            let found = id_prefix::find(store, prefix, SHOWN).await?;
            let readable = found.into_iter().filter_map(|(id, stored)| Some((id, stored?)));
            return Ok(Scanned::new(readable.collect(), None));
        }
        Filter::All | Filter::Age(_) => return store.scan(from, BATCH).await,
        // A page of two, so that one id does not fill it.
        Filter::Id(id) => (vec![*id], Page::first(2)),
        Filter::Principal(principal) => {
            let page = Page::of_scan(from, BATCH)?;
            (store.sessions_of(principal, None, page).await?, page)
        }
    };
    let mut entries = Vec::with_capacity(ids.len());
    for id in &ids {
        entries.extend(store.get(*id).await?.map(|stored| (*id, stored)));
    }
    let mut batch = Scanned::in_order(entries, page);
    batch.next = ids.last().filter(|_| ids.len() >= page.limit()).map(|last| Cursor::from(*last));
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cloakroom::{MemoryStore, SessionMap, Sessions};

    use super::*;

    #[tokio::test]
    async fn a_long_list_comes_complete_in_pages() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
        let alice = Principal::new("alice").unwrap();
        for number in 0..260 {
            let mut session = sessions.generate(SessionMap::default()).await.unwrap();
            if number % 2 == 0 {
                session.login(&alice).await.unwrap();
            }
        }
        for (filter, total) in
            [(Filter::All, 260), (Filter::Principal(alice), 130), (Filter::Age(AGES[0]), 260)]
        {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let results = find(&*store, &filter, after, sessions.now()).await.unwrap();
                assert!(results.sessions.len() <= SHOWN);
                seen.extend(results.sessions.iter().map(|(id, _)| *id));
                match results.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert!(seen.is_sorted() && seen.len() == total, "{filter:?}: {}", seen.len());
        }
    }

    #[tokio::test]
    async fn the_first_digits_of_an_id_find_it_unless_a_principal_has_that_name() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
        let session = sessions.generate(SessionMap::default()).await.unwrap();
        let id = session.id().unwrap();
        let digits = id.to_string()[..8].to_owned();
        let find = async |text: &str| {
            let filter = Filter::parse(text).unwrap();
            let (_, results) = search(&*store, filter, None, sessions.now()).await.unwrap();
            results.sessions.iter().map(|(id, _)| *id).collect::<Vec<_>>()
        };
        assert_eq!(find(&digits).await, [id]);
        assert_eq!(find(&digits[..7]).await, []);
        let mut other = sessions.generate(SessionMap::default()).await.unwrap();
        other.login(&Principal::new(&*digits).unwrap()).await.unwrap();
        assert_eq!(find(&digits).await, [other.id().unwrap()]);
    }

    #[test]
    fn a_search_term_is_a_session_id_or_a_principal() {
        let id = PublicId::from_bytes([7; 16]);
        assert!(
            matches!(Filter::parse(&format!(" {id} ")), Some(Filter::Id(found)) if found == id)
        );
        assert!(matches!(Filter::parse("alice"), Some(Filter::Principal(_))));
        assert!(Filter::parse("  ").is_none());
    }
}
