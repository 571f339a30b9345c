//! Predictable randomness.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::key::Entropy;

/// A generator that gives the same bytes for the same seed, and no block of 16 bytes twice.
///
/// Clones share one sequence.
///
/// # Security
/// For tests only: anyone who knows the seed knows every key.
#[derive(Clone, Debug)]
pub struct SeededEntropy(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    replay: VecDeque<[u8; 16]>,
    seed: u64,
    drawn: u64,
}

impl SeededEntropy {
    /// The generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self::with_replay(seed, Vec::new())
    }

    /// A generator that gives these blocks first, to requests for whole blocks of 16 bytes.
    ///
    /// Keys, secrets and nonces are drawn in such blocks. A key takes two: its id, then its
    /// secret. Give an id twice to force a collision.
    pub fn from_blocks(blocks: Vec<[u8; 16]>) -> Self {
        Self::with_replay(0, blocks)
    }

    fn with_replay(seed: u64, blocks: Vec<[u8; 16]>) -> Self {
        Self(Arc::new(Mutex::new(State { replay: blocks.into(), seed, drawn: 0 })))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = buffer.len() / 16;
        if buffer.len() % 16 == 0 && state.replay.len() >= blocks {
            for (chunk, block) in buffer.chunks_mut(16).zip(state.replay.drain(..blocks)) {
                chunk.copy_from_slice(&block);
            }
            return Ok(());
        }
        for chunk in buffer.chunks_mut(8) {
            let word = state.draw().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl State {
    /// `SplitMix64` over a counter, which is a bijection: no word repeats.
    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        let mut word = self.seed.wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }
}
