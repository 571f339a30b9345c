//! Write tokens.

use std::sync::atomic::{AtomicU64, Ordering};

/// Write tokens: different for every write of this process, and practically random between
/// processes.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    count: AtomicU64,
}

impl Tokens {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    /// The next token: `SplitMix64` over a counter, which is a bijection, so none repeats in a
    /// process.
    pub(crate) fn next(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut token = self.seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        token = (token ^ (token >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        token = (token ^ (token >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        token ^ (token >> 31)
    }
}
