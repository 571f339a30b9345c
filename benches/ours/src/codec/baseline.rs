//! The hand-written baseline: a record's facts in one buffer of the right size, read back unchecked.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;

/// Six times, a revision's two numbers and a lifetime's three.
const NUMBERS: usize = 11;

/// The facts of a session without a principal.
#[derive(Debug, PartialEq)]
pub(super) struct Facts<V> {
    verifier: [u8; 32],
    numbers: [u64; NUMBERS],
    is_persistent: bool,
    assurance: u8,
    pub(super) value: V,
}

impl<V> Facts<V> {
    pub(super) fn of(value: V) -> Self {
        let numbers = std::array::from_fn(|index| 1_770_000_000_000 + index as u64);
        Self { verifier: [7; 32], numbers, is_persistent: true, assurance: 1, value }
    }

    fn head(bytes: &[u8]) -> Option<(Facts<()>, &[u8])> {
        let (verifier, rest) = bytes.split_first_chunk()?;
        let (numbers, rest) = rest.split_first_chunk::<{ NUMBERS * 8 }>()?;
        let (&[is_persistent, assurance, _, _], rest) = rest.split_first_chunk()?;
        let (numbers, _) = numbers.as_chunks();
        let numbers = std::array::from_fn(|index| u64::from_be_bytes(numbers[index]));
        let is_persistent = is_persistent != 0;
        Some((Facts { verifier: *verifier, numbers, is_persistent, assurance, value: () }, rest))
    }

    fn with<W>(self, value: W) -> Facts<W> {
        let Self { verifier, numbers, is_persistent, assurance, .. } = self;
        Facts { verifier, numbers, is_persistent, assurance, value }
    }
}

impl<V: Serialize + DeserializeOwned> Facts<V> {
    /// Writes into a buffer of `size` bytes.
    pub(super) fn to_bytes(&self, size: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::with_capacity(size);
        bytes.extend(self.verifier);
        for number in self.numbers {
            bytes.extend(number.to_be_bytes());
        }
        // No principal, and nothing known of the client.
        bytes.extend([u8::from(self.is_persistent), self.assurance, 0, 0]);
        serde_json::to_writer(&mut bytes, &self.value)?;
        Ok(bytes)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (facts, value) = Self::head(bytes)?;
        Some(facts.with(serde_json::from_slice(value).ok()?))
    }
}

/// Reads a record and leaves its value as bytes.
pub(super) fn undecoded(bytes: &[u8]) -> Option<Facts<Box<[u8]>>> {
    let (facts, value) = Facts::<()>::head(bytes)?;
    Some(facts.with(value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::Visitor;

    #[test]
    fn the_baseline_reads_what_it_wrote() {
        let facts = Facts::of(Visitor::new(1));
        let bytes = facts.to_bytes(0).unwrap();
        assert_eq!(Facts::<Visitor>::from_bytes(&bytes).unwrap(), facts);
        let json = serde_json::to_vec(&facts.value).unwrap();
        assert_eq!(undecoded(&bytes).unwrap().value[..], json);
        assert!((0..80).all(|cut| Facts::<Visitor>::from_bytes(&bytes[..cut]).is_none()));
    }
}
