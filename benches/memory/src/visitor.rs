//! What every session keeps, and which one is asked for next.

use serde::{Deserialize, Serialize};

/// The name under which peers keep the value among others.
pub(crate) const VISITOR: &str = "visitor";

/// As much as a small shop knows about a visitor: 104 bytes, and four short texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    pub(crate) visits: u64,
    name: String,
    language: String,
    theme: String,
    landing_page: String,
}

impl Visitor {
    /// The value of a session that begins.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            visits: 0,
            name: format!("visitor-{number}"),
            language: "en-GB".into(),
            theme: "dark".into(),
            landing_page: "/spring/coats?sort=price".into(),
        }
    }
}

/// Numbers that look random (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of so many.
    #[expect(clippy::cast_possible_truncation, reason = "less than a `usize`")]
    pub(crate) const fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }
}

/// Sixteen bytes, spread over all ids as drawn ones are, and the same in every run.
pub(crate) fn id(number: usize) -> [u8; 16] {
    let mut dice = Dice::new(number as u64);
    (u128::from(dice.roll()) << 64 | u128::from(dice.roll())).to_be_bytes()
}
