//! What a session of the demo carries.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is remembered of a visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Visitor {
    pub(super) visits: u64,
    pub(super) cart: Vec<String>,
}

impl Visitor {
    /// The longest item, in characters.
    pub(super) const LONGEST_ITEM: usize = 100;
    /// The most items in a cart.
    pub(super) const MOST_ITEMS: usize = 50;

    pub(super) fn count(&mut self) {
        self.visits = self.visits.saturating_add(1);
    }

    /// Puts an item into the cart, without the blanks around it.
    pub(super) fn add(&mut self, item: &str) -> Result<(), Refusal> {
        let item = item.trim();
        if item.is_empty() || item.chars().any(char::is_control) {
            return Err(Refusal::Unnamed);
        }
        if item.chars().count() > Self::LONGEST_ITEM {
            return Err(Refusal::TooLong);
        }
        if self.cart.len() >= Self::MOST_ITEMS {
            return Err(Refusal::Full);
        }
        self.cart.push(item.to_owned());
        Ok(())
    }

    /// Takes one such item out; by name, since a number may mean another item by the time it arrives.
    pub(super) fn remove(&mut self, item: &str) {
        if let Some(place) = self.cart.iter().position(|other| other == item) {
            self.cart.remove(place);
        }
    }
}

/// Why an item stays outside the cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Unnamed,
    TooLong,
    Full,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("an item needs a name in one line"),
            Self::TooLong => write!(f, "an item has at most {} characters", Visitor::LONGEST_ITEM),
            Self::Full => write!(f, "a cart holds at most {} items", Visitor::MOST_ITEMS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_takes_what_has_a_name_until_it_is_full() {
        let mut visitor = Visitor::default();
        let longest = "é".repeat(Visitor::LONGEST_ITEM);
        assert_eq!(visitor.add(" \t "), Err(Refusal::Unnamed));
        assert_eq!(visitor.add("two\nlines"), Err(Refusal::Unnamed));
        assert_eq!(visitor.add(&format!("{longest}é")), Err(Refusal::TooLong));
        assert_eq!(visitor.add(&format!(" {longest} ")), Ok(()));
        assert_eq!(visitor.cart, [longest]);
        for _ in 1..Visitor::MOST_ITEMS {
            assert_eq!(visitor.add("hat"), Ok(()));
        }
        assert_eq!(visitor.add("hat"), Err(Refusal::Full));
    }

    #[test]
    fn one_of_several_like_items_is_removed() {
        let mut visitor = Visitor::default();
        for item in ["hat", "coat", "hat"] {
            assert_eq!(visitor.add(item), Ok(()));
        }
        visitor.remove("hat");
        visitor.remove("scarf");
        assert_eq!(visitor.cart, ["coat", "hat"]);
    }
}
