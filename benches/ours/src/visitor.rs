//! The value that every session keeps, and ids in a repeatable random order.

use std::hash::Hasher;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

/// The name under which peers keep the value among others.
pub const VISITOR: &str = "visitor";

/// What a small shop keeps about a visitor: 104 bytes and four short strings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    pub visits: u64,
    pub name: String,
    pub language: String,
    pub theme: String,
    pub landing_page: String,
}

impl Visitor {
    /// The value of a new session with this number.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self {
            visits: 0,
            name: format!("visitor-{number}"),
            language: "en-GB".into(),
            theme: "dark".into(),
            landing_page: "/spring/coats?sort=price".into(),
        }
    }
}

/// Pseudorandom numbers (`SplitMix64`).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    #[expect(clippy::cast_possible_truncation, reason = "less than a `usize`")]
    pub const fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }
}

/// The id of the session with this number: distributed as random ids are, the same in every run.
#[must_use]
pub fn id(number: usize) -> [u8; 16] {
    let mut dice = Dice::new(number as u64);
    (u128::from(dice.roll()) << 64 | u128::from(dice.roll())).to_be_bytes()
}

/// The value of the next session that a handler of this process begins.
#[must_use]
pub fn next_visitor() -> Visitor {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    Visitor::new(NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Ids are random, so their bytes are their hash.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "half of an id is random enough")]
    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
