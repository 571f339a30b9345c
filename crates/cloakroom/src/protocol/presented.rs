//! The keys that a request presents.

use crate::key::{Carrier, Key, PublicId};
use crate::observe::SkipReason;

/// How many sessions the keys of one request can name: those of others are ignored.
///
/// More than any honest browser has, and few enough that a request cannot make the store work much.
pub const MAX_PRESENTED: usize = 16;

/// How many skipped refreshes of one request are looked at: one for each kind of session that an
/// application has.
pub const MAX_SKIPPED: usize = 4;

/// How many keys of one request are tried, if several have the same id.
const MAX_KEYS: usize = 4 * MAX_PRESENTED;

/// The keys that a request presents: distinct, well-formed, in order, for no more than
/// [`MAX_PRESENTED`] sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PresentedKeys {
    first: Option<Key>,
    /// Almost always empty.
    others: Vec<Key>,
    value_count: usize,
    is_marked: bool,
    skipped: Box<[SkippedRefresh]>,
}

/// A browser's word that it sends the request without the cookie of a bound session, because it
/// could not refresh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "two parts of a header")]
pub struct SkippedRefresh {
    /// The session.
    pub id: PublicId,
    /// Why.
    pub reason: SkipReason,
}

impl PresentedKeys {
    /// One key.
    pub fn one(key: Key) -> Self {
        Self { first: Some(key), value_count: 1, ..Self::default() }
    }

    /// One key that may travel in either way.
    pub fn either(key: &Key) -> Self {
        let others = vec![key.carried_by(Carrier::Bearer)];
        Self { others, ..Self::one(key.carried_by(Carrier::Cookie)) }
    }

    /// Adds what was found where a key belongs: `None` if it is not one.
    pub fn add(&mut self, found: Option<Key>) {
        self.value_count += 1;
        let Some(key) = found else { return };
        match &self.first {
            None => self.first = Some(key),
            Some(first) if *first == key => {}
            Some(_) => self.add_other(key),
        }
    }

    #[cold]
    fn add_other(&mut self, key: Key) {
        if self.others.contains(&key) || self.others.len() + 1 >= MAX_KEYS {
            return;
        }
        let ids = self.ids();
        if ids.contains(&key.id()) || ids.len() < MAX_PRESENTED {
            self.others.push(key);
        }
    }

    /// Records that the browser has the cookie that marks it as one with a session.
    pub fn mark(&mut self) {
        self.is_marked = true;
    }

    /// Whether the browser has the cookie that marks it as one with a session.
    pub fn is_marked(&self) -> bool {
        self.is_marked
    }

    /// Records that the browser could not refresh the cookies of these bound sessions, no more than
    /// [`MAX_SKIPPED`].
    pub fn skip(&mut self, mut skipped: Vec<SkippedRefresh>) {
        skipped.truncate(MAX_SKIPPED);
        self.skipped = skipped.into();
    }

    /// The bound sessions whose cookies the browser says that it could not refresh.
    pub(super) fn skipped(&self) -> &[SkippedRefresh] {
        &self.skipped
    }

    /// How many values were found where a key belongs, well-formed or not.
    pub fn value_count(&self) -> usize {
        self.value_count
    }

    /// The keys, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.first.iter().chain(&self.others)
    }

    /// The ids of the keys, each once.
    pub fn ids(&self) -> Vec<PublicId> {
        let mut ids: Vec<PublicId> = Vec::new();
        for key in self.iter() {
            if !ids.contains(&key.id()) {
                ids.push(key.id());
            }
        }
        ids
    }

    /// The key, if there is exactly one.
    pub(super) fn single(&self) -> Option<&Key> {
        self.first.as_ref().filter(|_| self.others.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Secret;

    fn key(id: u8, secret: u8) -> Key {
        Key::new(PublicId::from_bytes([id; 16]), Secret::from_bytes([secret; 16]))
    }

    #[test]
    fn keys_are_kept_once_and_in_order() {
        let mut keys = PresentedKeys::default();
        for found in [Some(key(1, 1)), None, Some(key(1, 2)), Some(key(2, 1)), Some(key(1, 1))] {
            keys.add(found);
        }
        assert_eq!(keys.iter().collect::<Vec<_>>(), [&key(1, 1), &key(1, 2), &key(2, 1)]);
        assert_eq!((keys.value_count(), keys.ids().len()), (5, 2));
    }

    #[test]
    fn keys_of_one_session_do_not_use_up_the_room_for_others() {
        let mut keys = PresentedKeys::default();
        (0..40).for_each(|secret| keys.add(Some(key(0, secret))));
        (1..20).for_each(|id| keys.add(Some(key(id, 0))));
        assert_eq!(keys.ids().len(), MAX_PRESENTED);
        (0..200).for_each(|secret| keys.add(Some(key(0, secret))));
        assert_eq!(keys.iter().count(), MAX_KEYS);
    }

    #[test]
    fn a_key_is_another_one_if_it_travels_in_another_way() {
        let keys = PresentedKeys::either(&key(1, 1));
        assert_eq!((keys.iter().count(), keys.value_count(), keys.ids().len()), (2, 1, 1));
    }
}
