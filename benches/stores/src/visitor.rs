//! What is kept, the same for every contender; the peer's package compiles this file too.

use serde::{Deserialize, Serialize};

/// How many sessions a store holds.
pub(crate) const SESSIONS: u32 = 10_000;

/// What every session keeps: about a hundred bytes of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    pub(crate) visits: u64,
    name: String,
    language: String,
    theme: String,
    landing_page: String,
}

impl Visitor {
    /// The value of a session that begins.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            visits: 0,
            name: format!("visitor-{number}"),
            language: "en-GB".into(),
            theme: "dark".into(),
            landing_page: "/spring/coats?sort=price".into(),
        }
    }
}

/// A session's id: spread over all ids as random ones are, and the same in every run.
pub(crate) fn id(number: u32) -> u128 {
    let mut dice = Dice::new(u64::from(number));
    u128::from(dice.roll()) << 64 | u128::from(dice.roll())
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
}
