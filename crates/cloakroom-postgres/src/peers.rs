//! Whether a listener was told of every change, as its heartbeats show.
//!
//! A change is notified after its commit, by the connection that made it. A connection that ends in
//! between notifies nothing: when one has gone, changes may have been missed. Every connection that
//! writes has a number, which its heartbeats find among the living.

use std::collections::BTreeSet;

/// What one heartbeat reads.
#[derive(Debug, Default)]
pub(crate) struct Heartbeat {
    /// The last number that a connection was given.
    last: u64,
    /// How often a change could not be notified.
    missed: u64,
    /// The numbers of the connections that live.
    living: BTreeSet<u64>,
    /// The transactions in which connections that write are.
    transactions: BTreeSet<String>,
}

impl Heartbeat {
    /// Parses the row of `heartbeat.sql`.
    pub(crate) fn parse(columns: [Option<&str>; 4]) -> Option<Self> {
        let [last, missed, living, transactions] = columns;
        let living: Result<_, _> = living?.split_whitespace().map(str::parse).collect();
        Some(Self {
            last: last?.parse().ok()?,
            missed: missed?.parse().ok()?,
            living: living.ok()?,
            transactions: words(transactions.unwrap_or_default()),
        })
    }
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What a heartbeat says about the changes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every change was notified.
    Complete,
    /// Some may not have been notified.
    Gap,
    /// Some may not be: a transaction goes on that does not know of the listener.
    Unknown,
}

/// The connections of all nodes, as one listener has seen them.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    seen: Option<Heartbeat>,
    /// Whether all transactions have ended that may have begun before the listener was known.
    is_known: bool,
}

impl Peers {
    pub(crate) fn observe(&mut self, mut beat: Heartbeat) -> Verdict {
        let has_lost = self.seen.as_ref().is_some_and(|seen| has_lost(seen, &beat));
        if let Some(seen) = self.seen.as_ref().filter(|_| !self.is_known) {
            beat.transactions.retain(|transaction| seen.transactions.contains(transaction));
        }
        let was_known = self.is_known;
        self.is_known |= beat.transactions.is_empty();
        self.seen = Some(beat);
        if !self.is_known {
            Verdict::Unknown
        } else if has_lost || !was_known {
            Verdict::Gap
        } else {
            Verdict::Complete
        }
    }
}

/// Whether a connection has ended since the last heartbeat, or a change could not be notified.
fn has_lost(seen: &Heartbeat, now: &Heartbeat) -> bool {
    // A number that is not visible yet may belong to a connection that has written nothing.
    let known = seen.living.iter().copied().filter(|number| *number <= seen.last);
    let mut numbers = known.chain(seen.last + 1..=now.last);
    now.missed != seen.missed
        || now.last < seen.last
        || numbers.any(|number| !now.living.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(last: u64, missed: u64, living: &[u64], transactions: &str) -> Heartbeat {
        let living = living.iter().copied().collect();
        Heartbeat { last, missed, living, transactions: words(transactions) }
    }

    /// A listener that has seen connections 1 and 2.
    fn listener() -> Peers {
        let mut peers = Peers::default();
        assert_eq!(peers.observe(beat(2, 0, &[1, 2], "")), Verdict::Gap);
        assert_eq!(peers.observe(beat(2, 0, &[1, 2], "3/7")), Verdict::Complete);
        peers
    }

    #[test]
    fn nothing_is_complete_before_all_older_transactions_have_ended() {
        let mut peers = Peers::default();
        for (transactions, verdict) in [
            ("3/7 4/1", Verdict::Unknown),
            ("4/1 5/1", Verdict::Unknown),
            ("5/1 4/2", Verdict::Gap),
            ("5/1 4/2", Verdict::Complete),
        ] {
            assert_eq!(peers.observe(beat(1, 0, &[1], transactions)), verdict, "{transactions}");
        }
    }

    #[test]
    fn a_connection_that_has_gone_leaves_a_gap_even_if_it_was_never_seen() {
        for (after, verdict) in [
            (beat(2, 0, &[2], ""), Verdict::Gap),
            (beat(3, 0, &[1, 2], ""), Verdict::Gap),
            (beat(3, 0, &[1, 2, 3], ""), Verdict::Complete),
            (beat(2, 0, &[1, 2, 3], ""), Verdict::Complete),
            (beat(2, 1, &[1, 2], ""), Verdict::Gap),
            (beat(1, 0, &[1, 2], ""), Verdict::Gap),
        ] {
            let shown = format!("{after:?}");
            let mut peers = listener();
            assert_eq!(peers.observe(after), verdict, "{shown}");
        }
        // Number 3 holds its lock before others can see that it was given.
        let mut peers = listener();
        assert_eq!(peers.observe(beat(2, 0, &[1, 2, 3], "")), Verdict::Complete);
        assert_eq!(peers.observe(beat(3, 0, &[1, 2], "")), Verdict::Gap);
        assert_eq!(peers.observe(beat(3, 0, &[1, 2], "")), Verdict::Complete);
    }

    #[test]
    fn a_heartbeat_is_parsed() {
        let row = [Some("7"), Some("1"), Some("3 7"), Some("4/19 5/2")];
        let found = Heartbeat::parse(row).unwrap();
        assert_eq!((found.last, found.missed), (7, 1));
        assert_eq!(found.living, [3, 7].into());
        assert_eq!(found.transactions, words("5/2 4/19"));
        assert!(Heartbeat::parse([Some("7"), Some("1"), Some(""), None]).is_some());
        assert!(Heartbeat::parse([None, Some("1"), Some(""), None]).is_none());
    }
}
