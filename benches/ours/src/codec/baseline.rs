//! The hand-written baseline: a record's facts in one buffer of the right size, read unchecked.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;

/// The facts of a session without a principal: verifier; six times, a revision's two numbers and a
/// lifetime's three; whether the cookie persists, assurance, and two empty texts.
type Facts = ([u8; 32], [u64; 11], [u8; 4]);

pub(super) const FACTS: Facts = ([7; 32], [1_770_000_000_000; 11], [1, 1, 0, 0]);

/// Writes into a buffer of `size` bytes.
pub(super) fn to_bytes(
    (verifier, numbers, flags): &Facts,
    value: &impl Serialize,
    size: usize,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(size);
    bytes.extend(verifier);
    for number in numbers {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(flags);
    serde_json::to_writer(&mut bytes, value)?;
    Ok(bytes)
}

/// Reads a record and leaves its value as bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<(Facts, Box<[u8]>)> {
    let (facts, value) = split(bytes)?;
    Some((facts, value.into()))
}

/// Reads a record and its value.
pub(super) fn with_value<V: DeserializeOwned>(bytes: &[u8]) -> Option<(Facts, V)> {
    let (facts, value) = split(bytes)?;
    Some((facts, serde_json::from_slice(value).ok()?))
}

fn split(bytes: &[u8]) -> Option<(Facts, &[u8])> {
    let (verifier, rest) = bytes.split_first_chunk()?;
    let (numbers, rest) = rest.split_first_chunk::<{ 11 * 8 }>()?;
    let (flags, value) = rest.split_first_chunk()?;
    let (numbers, _) = numbers.as_chunks();
    let numbers = std::array::from_fn(|index| u64::from_be_bytes(numbers[index]));
    Some(((*verifier, numbers, *flags), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::Visitor;

    #[test]
    fn the_baseline_reads_what_it_wrote() {
        let value = Visitor::new(1);
        let bytes = to_bytes(&FACTS, &value, 0).unwrap();
        assert_eq!(with_value(&bytes), Some((FACTS, value.clone())));
        let json = serde_json::to_vec(&value).unwrap();
        assert_eq!(from_bytes(&bytes), Some((FACTS, json.into())));
        assert!((0..80).all(|cut| with_value::<Visitor>(&bytes[..cut]).is_none()));
    }
}
