//! Whether a write whose answer was lost happened.

use crate::record::Revision;

/// Whether a write whose answer was lost happened, as a record read later tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Settled {
    /// It happened: the record carries its token.
    Done,
    /// It did not happen, and cannot any more: another write has taken its place.
    Lost,
    /// It has not happened yet: the record is unchanged, and the write may still be on its way. To
    /// ask for the same write again is safe.
    NotYet,
    /// It cannot be known: later writes followed.
    Unknown,
}

/// Whether the write that expected `expected` and would have left `ours` happened, if the record
/// now has revision `found`.
pub fn settle(expected: Revision, ours: Revision, found: Revision) -> Settled {
    if found == ours {
        Settled::Done
    } else if found == expected {
        Settled::NotYet
    } else if found.count() == ours.count() {
        Settled::Lost
    } else {
        Settled::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_is_settled_by_token_and_count() {
        let (expected, ours) = (Revision::new(4, 1), Revision::new(5, 2));
        assert_eq!(settle(expected, ours, ours), Settled::Done);
        assert_eq!(settle(expected, ours, expected), Settled::NotYet);
        assert_eq!(settle(expected, ours, Revision::new(5, 3)), Settled::Lost);
        assert_eq!(settle(expected, ours, Revision::new(6, 3)), Settled::Unknown);
    }
}
