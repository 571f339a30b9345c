//! The keys that a request presents.

use crate::key::Key;

/// How many keys of one request are tried at most.
pub const MAX_PRESENTED: usize = 4;

/// The keys that a request presents: distinct, well-formed, in order, and no more than
/// [`MAX_PRESENTED`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PresentedKeys {
    first: Option<Key>,
    /// Almost always empty.
    others: Vec<Key>,
    value_count: usize,
}

impl PresentedKeys {
    /// One key.
    pub fn one(key: Key) -> Self {
        Self { first: Some(key), others: Vec::new(), value_count: 1 }
    }

    /// Adds what was found where a key belongs: `None` if it is not one.
    pub fn add(&mut self, found: Option<Key>) {
        self.value_count += 1;
        let Some(key) = found else { return };
        match &self.first {
            None => self.first = Some(key),
            Some(first) if *first == key || self.others.contains(&key) => {}
            Some(_) if self.others.len() + 1 < MAX_PRESENTED => self.others.push(key),
            Some(_) => {}
        }
    }

    /// How many values were found where a key belongs, well-formed or not.
    pub fn value_count(&self) -> usize {
        self.value_count
    }

    /// The keys, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.first.iter().chain(&self.others)
    }

    /// Takes the next key.
    pub(super) fn take_next(&mut self) -> Option<Key> {
        let next = self.first.take();
        next.or_else(|| (!self.others.is_empty()).then(|| self.others.remove(0)))
    }
}
