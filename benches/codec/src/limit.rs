//! The limit: the same facts, written by hand into one buffer of the right size, and read back without a look at what they mean.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;

/// How many numbers a record has: six times, a revision's two, a lifetime's three.
const NUMBERS: usize = 11;

/// What cloakroom's record of a session without a visitor's name knows.
#[derive(Debug, PartialEq)]
pub(crate) struct Facts<V> {
    verifier: [u8; 32],
    numbers: [u64; NUMBERS],
    outlives_browser: bool,
    assurance: u8,
    pub(crate) value: V,
}

/// The same with its value as bytes.
pub(crate) type Bare = Facts<Box<[u8]>>;

impl<V> Facts<V> {
    pub(crate) fn of(value: V) -> Self {
        let numbers = std::array::from_fn(|index| 1_770_000_000_000 + index as u64);
        Self { verifier: [7; 32], numbers, outlives_browser: true, assurance: 1, value }
    }

    fn head(bytes: &[u8]) -> Option<(Facts<()>, &[u8])> {
        let (verifier, rest) = bytes.split_first_chunk()?;
        let (numbers, rest) = rest.split_first_chunk::<{ NUMBERS * 8 }>()?;
        let (&[outlives_browser, assurance, _, _], rest) = rest.split_first_chunk()?;
        let (numbers, _) = numbers.as_chunks();
        let numbers = std::array::from_fn(|index| u64::from_be_bytes(numbers[index]));
        let outlives_browser = outlives_browser != 0;
        Some((Facts { verifier: *verifier, numbers, outlives_browser, assurance, value: () }, rest))
    }

    fn with<W>(self, value: W) -> Facts<W> {
        let Self { verifier, numbers, outlives_browser, assurance, .. } = self;
        Facts { verifier, numbers, outlives_browser, assurance, value }
    }
}

impl<V: Serialize + DeserializeOwned> Facts<V> {
    /// In a buffer of this many bytes, which the writer happens to know.
    pub(crate) fn to_bytes(&self, size: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::with_capacity(size);
        bytes.extend(self.verifier);
        for number in self.numbers {
            bytes.extend(number.to_be_bytes());
        }
        // Nobody is signed in, and nothing is known of the client.
        bytes.extend([u8::from(self.outlives_browser), self.assurance, 0, 0]);
        serde_json::to_writer(&mut bytes, &self.value)?;
        Ok(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (facts, value) = Self::head(bytes)?;
        Some(facts.with(serde_json::from_slice(value).ok()?))
    }
}

impl Bare {
    pub(crate) fn undecoded(bytes: &[u8]) -> Option<Self> {
        let (facts, value) = Self::head(bytes)?;
        Some(facts.with(value.into()))
    }
}
