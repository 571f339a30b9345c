//! What became of a write whose answer was lost.

use crate::record::Revision;

/// What a record found later says about a write whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must treat every case")]
pub enum Settled {
    /// It happened: the record carries its token.
    Done,
    /// It did not happen: another write stands in its place.
    Lost,
    /// Later writes stand on top: nobody can tell.
    Unknown,
}

/// Whether the write marked `ours`, which expected `expected`, is the one that led to `found`.
pub fn settle(expected: Revision, ours: Revision, found: Revision) -> Settled {
    if found == ours {
        Settled::Done
    } else if found == expected || found.count() == ours.count() {
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
        assert_eq!(settle(expected, ours, expected), Settled::Lost);
        assert_eq!(settle(expected, ours, Revision::new(5, 3)), Settled::Lost);
        assert_eq!(settle(expected, ours, Revision::new(6, 3)), Settled::Unknown);
    }
}
