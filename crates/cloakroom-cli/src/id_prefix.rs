//! A session's id, or the first digits of one.

use std::fmt;
use std::str::FromStr;

use cloakroom::record::Stored;
use cloakroom::store::{Cursor, StoreError, StoreErrorKind};
use cloakroom::{PublicId, Store};

/// The fewest digits of an id that stand for it.
///
/// A session that is gone must not be taken for another: of a million sessions, one begins with
/// eight given digits by chance in one case of four thousand, but with six in one of seventeen.
pub(crate) const MIN_DIGITS: usize = 8;
/// The digits of a whole id.
const DIGITS: usize = 32;
/// Sessions read at once in a store that cannot be searched by id.
const SCAN: usize = 500;

/// The first digits of an id, [`MIN_DIGITS`] or more, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdPrefix(String);

impl IdPrefix {
    /// The id, if these are all its digits.
    pub(crate) fn whole(&self) -> Option<PublicId> {
        self.0.parse().ok()
    }

    fn matches(&self, id: PublicId) -> bool {
        id.to_string().starts_with(&self.0)
    }

    /// The first id that begins with these digits.
    fn first(&self) -> u128 {
        let digits = format!("{:0<DIGITS$}", self.0);
        u128::from_str_radix(&digits, 16).unwrap_or_default()
    }
}

impl FromStr for IdPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && (MIN_DIGITS..=DIGITS).contains(&text.len()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(format!(
            "a session ID is {DIGITS} hexadecimal digits, of which the first {MIN_DIGITS} or more \
             are enough"
        ))
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session that was found, or `None` for what the store has if it cannot be read.
pub(crate) type Found = (PublicId, Option<Stored>);

/// Finds the sessions whose ids begin with these digits: at most `limit` of them, in order.
///
/// A store that keeps sessions in the order of their ids reads only these. Redis does not, and
/// reads all sessions, unless the id is whole.
pub(crate) async fn find(
    store: &dyn Store,
    prefix: &IdPrefix,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    if let Some(id) = prefix.whole() {
        return get(store, id).await;
    }
    match find_in_order(store, prefix, limit).await {
        Err(error) if error.kind() == StoreErrorKind::Foreign => {
            find_anywhere(store, prefix, limit).await
        }
        found => found,
    }
}

async fn get(store: &dyn Store, id: PublicId) -> Result<Vec<Found>, StoreError> {
    match store.get(id).await {
        Ok(stored) => Ok(stored.map(|stored| (id, Some(stored))).into_iter().collect()),
        Err(error) if error.kind() == StoreErrorKind::Corrupt => Ok(vec![(id, None)]),
        Err(error) => Err(error),
    }
}

/// Fails with [`StoreErrorKind::Foreign`] in a store that has another order than that of ids.
async fn find_in_order(
    store: &dyn Store,
    prefix: &IdPrefix,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    let first = prefix.first();
    let mut found = Vec::new();
    if first == 0 {
        // No id is before this one, and a scan starts after one.
        let id = PublicId::from_bytes([0; 16]);
        found.extend(get(store, id).await?);
    }
    let before = PublicId::from_bytes(first.saturating_sub(1).to_be_bytes());
    let mut from = Some(Cursor::from(before));
    while let Some(cursor) = from {
        // One more than needed tells that the last one was reached.
        let page = store.scan(Some(&cursor), limit + 1).await?;
        let is_past = |id: &PublicId| u128::from_be_bytes(*id.as_bytes()) > first;
        let has_passed = ids(&page).any(|id| is_past(&id) && !prefix.matches(id));
        from = page.next.clone().filter(|_| !has_passed);
        add(&mut found, page, prefix);
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

async fn find_anywhere(
    store: &dyn Store,
    prefix: &IdPrefix,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = store.scan(from.as_ref(), SCAN).await?;
        from.clone_from(&page.next);
        add(&mut found, page, prefix);
        // A scan can return a session twice.
        found.sort_by_key(|(id, _): &Found| *id);
        found.dedup_by_key(|(id, _)| *id);
        if from.is_none() || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

fn ids(page: &cloakroom::store::Scanned) -> impl Iterator<Item = PublicId> + '_ {
    page.entries.iter().map(|(id, _)| *id).chain(page.unreadable.iter().copied())
}

/// Adds those of a page that match, in order.
fn add(found: &mut Vec<Found>, page: cloakroom::store::Scanned, prefix: &IdPrefix) {
    let readable = page.entries.into_iter().map(|(id, stored)| (id, Some(stored)));
    let all = readable.chain(page.unreadable.into_iter().map(|id| (id, None)));
    found.extend(all.filter(|(id, _)| prefix.matches(*id)));
    found.sort_by_key(|(id, _)| *id);
}

#[cfg(test)]
mod tests {
    use cloakroom::key::{KindTag, Secret};
    use cloakroom::record::Revision;
    use cloakroom::store::Inserted;
    use cloakroom::value::Payload;
    use cloakroom::{Key, Lifetime, MemoryStore, Timestamp, protocol};

    use super::*;

    async fn insert(store: &MemoryStore, id: &str) {
        let key = Key::new(id.parse().unwrap(), Secret::from_bytes([7; 16]));
        let now = Timestamp::from_millis(1_000_000_000_000);
        let (kind, revision) = (KindTag::DEFAULT, Revision::new(1, 1));
        let (verifier, lifetime) = (key.verifier(kind), Lifetime::default());
        let record =
            protocol::begin(kind, verifier, lifetime, None, Payload::unset(), revision, now);
        assert_eq!(store.insert(key.id(), record).await.unwrap(), Inserted::Done);
    }

    #[tokio::test]
    async fn the_sessions_with_these_digits_are_found_and_no_others() {
        let store = MemoryStore::new();
        let ids = [
            "00000000000000000000000000000000",
            "00000000000000000000000000000001",
            "0a0a0a0900000000000000000000ffff",
            "0a0a0a0a000000000000000000000000",
            "0a0a0a0affffffffffffffffffffffff",
            "0a0a0a0b000000000000000000000000",
            "ffffffff000000000000000000000000",
            "ffffffffffffffffffffffffffffffff",
        ];
        for id in ids {
            insert(&store, id).await;
        }
        for (digits, expected) in [
            ("00000000", &ids[..2]),
            ("0A0A0A0A", &ids[3..5]),
            ("0a0a0a0af", &ids[4..5]),
            ("0a0a0a09", &ids[2..3]),
            ("ffffffff", &ids[6..]),
            ("fffffffff", &ids[7..]),
            ("0a0a0a0c", &[]),
            (ids[5], &ids[5..6]),
        ] {
            let prefix = digits.parse().unwrap();
            let listed = |found: Vec<Found>| -> Vec<String> {
                found.iter().map(|(id, _)| id.to_string()).collect()
            };
            let found = listed(find(&store, &prefix, 10).await.unwrap());
            assert_eq!(found, expected, "{digits}");
            assert_eq!(listed(find_anywhere(&store, &prefix, 10).await.unwrap()), expected);
            let first = listed(find(&store, &prefix, 1).await.unwrap());
            assert_eq!(first, &expected[..expected.len().min(1)], "{digits}");
        }
    }

    #[test]
    fn too_few_digits_and_other_characters_are_refused() {
        for text in ["", "0a0a0a0", "0a0a0a0g", "0a0a0a0\u{e9}", &"0".repeat(33), "+a0a0a0a0"] {
            assert!(text.parse::<IdPrefix>().unwrap_err().contains("first 8"), "{text}");
        }
    }
}
