//! The value of a demo session.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::experiments::Outcome;

/// What the demo remembers of a visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Visitor {
    pub(super) visits: u64,
    pub(super) cart: Vec<String>,
    /// What the last experiment showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
}

impl Visitor {
    /// The longest item, in characters.
    pub(super) const MAX_ITEM_CHARS: usize = 100;
    /// The most items in a cart.
    pub(super) const MAX_ITEMS: usize = 50;

    pub(super) fn count_visit(&mut self) {
        self.visits = self.visits.saturating_add(1);
    }

    /// Adds an item to the cart, trimmed.
    pub(super) fn add(&mut self, item: &str) -> Result<(), CartError> {
        let item = item.trim();
        if item.is_empty() || item.chars().any(char::is_control) {
            return Err(CartError::InvalidItem);
        }
        if item.chars().count() > Self::MAX_ITEM_CHARS {
            return Err(CartError::ItemTooLong);
        }
        if self.cart.len() >= Self::MAX_ITEMS {
            return Err(CartError::Full);
        }
        self.cart.push(item.to_owned());
        Ok(())
    }

    /// Removes one item of this name. By name, because an index can mean another item by now.
    pub(super) fn remove(&mut self, item: &str) {
        if let Some(index) = self.cart.iter().position(|other| other == item) {
            self.cart.remove(index);
        }
    }
}

/// Why an item was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CartError {
    InvalidItem,
    ItemTooLong,
    Full,
}

impl fmt::Display for CartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidItem => f.write_str("an item needs a name, on one line"),
            Self::ItemTooLong => {
                write!(f, "an item can have at most {} characters", Visitor::MAX_ITEM_CHARS)
            }
            Self::Full => write!(f, "a cart holds at most {} items", Visitor::MAX_ITEMS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_takes_valid_items_until_it_is_full() {
        let mut visitor = Visitor::default();
        let longest = "é".repeat(Visitor::MAX_ITEM_CHARS);
        assert_eq!(visitor.add(" \t "), Err(CartError::InvalidItem));
        assert_eq!(visitor.add("two\nlines"), Err(CartError::InvalidItem));
        assert_eq!(visitor.add(&format!("{longest}é")), Err(CartError::ItemTooLong));
        assert_eq!(visitor.add(&format!(" {longest} ")), Ok(()));
        assert_eq!(visitor.cart, [longest]);
        for _ in 1..Visitor::MAX_ITEMS {
            assert_eq!(visitor.add("hat"), Ok(()));
        }
        assert_eq!(visitor.add("hat"), Err(CartError::Full));
    }

    #[test]
    fn removing_an_item_leaves_others_of_the_same_name() {
        let mut visitor = Visitor::default();
        for item in ["hat", "coat", "hat"] {
            assert_eq!(visitor.add(item), Ok(()));
        }
        visitor.remove("hat");
        visitor.remove("scarf");
        assert_eq!(visitor.cart, ["coat", "hat"]);
    }
}
