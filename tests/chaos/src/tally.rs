//! The value of a session: a counter that says who counted.

use serde::{Deserialize, Serialize};

/// How many of the last increments are kept.
const KEPT: usize = 16;

/// A counter with its last increments, the newest last.
///
/// Two values of one session agree on the increments that both name. If they do not, an increment
/// was written over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) recent: Vec<u64>,
}

impl Tally {
    /// Counts the operation with this number.
    pub(crate) fn add(&mut self, number: u64) {
        self.count += 1;
        self.recent.push(number);
        if self.recent.len() > KEPT {
            self.recent.remove(0);
        }
    }

    /// The increments that it names, each with what it made the count.
    pub(crate) fn named(&self) -> impl Iterator<Item = (u64, u64)> {
        let first = (self.count + 1).saturating_sub(self.recent.len() as u64);
        (first..).zip(self.recent.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_names_its_last_increments_with_their_counts() {
        let mut tally = Tally::default();
        assert_eq!(tally.named().count(), 0);
        for number in 1..=20 {
            tally.add(100 + number);
        }
        let named: Vec<_> = tally.named().collect();
        assert_eq!((named.len(), named[0], named[15]), (KEPT, (5, 105), (20, 120)));
    }
}
