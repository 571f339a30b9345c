//! Keys that opened nothing, counted by who presented them and by what they named.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;

use crate::key::SessionId;
use crate::time::Timestamp;

/// How long a wrong key counts.
const WINDOW: Duration = Duration::from_mins(1);
/// The most that are counted at a time; then the one counted longest is forgotten.
const MOST: usize = 4096;

/// Whose wrong keys are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A client's; of an IPv6 address its network of 64 bits, as one client has that many.
    Address(IpAddr),
    /// Those that name one session.
    Session(SessionId),
}

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        })
    }
}

/// A bounded table of this process: it decides nothing, and a store never hears of it.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    table: Mutex<IndexMap<Source, Tally>>,
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    since: Timestamp,
    count: u32,
}

impl Guesses {
    /// Counts one more; how many there were within the last minute, this one included.
    pub(crate) fn note(&self, source: Source, now: Timestamp) -> u32 {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST && !table.contains_key(&source) {
            // The first is replaced by the last, so that in the long run each gets its turn.
            table.swap_remove_index(0);
        }
        let fresh = Tally { since: now, count: 0 };
        let tally = table.entry(source).or_insert(fresh);
        if now.since(tally.since) >= WINDOW {
            *tally = fresh;
        }
        tally.count = tally.count.saturating_add(1);
        tally.count
    }

    /// How many there were within the last minute.
    pub(crate) fn count(&self, source: Source, now: Timestamp) -> u32 {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&source).filter(|tally| now.since(tally.since) < WINDOW).map_or(0, |tally| tally.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn a_minute_is_counted_at_a_time() {
        let guesses = Guesses::default();
        let thief = source("192.0.2.1");
        assert_eq!([guesses.note(thief, NOW), guesses.note(thief, NOW)], [1, 2]);
        assert_eq!(guesses.count(thief, NOW.after(Duration::from_secs(59))), 2);
        assert_eq!(guesses.count(source("192.0.2.2"), NOW), 0);
        assert_eq!(guesses.count(thief, NOW.after(WINDOW)), 0);
        assert_eq!(guesses.note(thief, NOW.after(WINDOW)), 1);
    }

    #[test]
    fn one_network_of_ipv6_is_one_client() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:ffff:ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_room() {
        let guesses = Guesses::default();
        for address in 0..50_000_u32 {
            guesses.note(Source::of(std::net::Ipv4Addr::from_bits(address).into()), NOW);
        }
        assert_eq!(guesses.table.lock().unwrap().len(), MOST);
    }
}
