//! A set of shapes of values, which requests share without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many shapes are remembered. One type of value has few, unless its users make up its JSON.
const PLACES: usize = 512;
/// In how many places a shape can be.
const TRIED: usize = 8;

/// A set that forgets nothing and, once it is full, takes nothing more.
pub(super) struct Shapes(Box<[AtomicU64; PLACES]>);

impl Default for Shapes {
    fn default() -> Self {
        Self(Box::new([const { AtomicU64::new(0) }; PLACES]))
    }
}

impl Shapes {
    pub(super) fn contains(&self, shape: u64) -> bool {
        self.places(shape)
            .map(|place| place.load(Ordering::Relaxed))
            .take_while(|&found| found != 0)
            .any(|found| found == shape)
    }

    pub(super) fn insert(&self, shape: u64) {
        for place in self.places(shape) {
            match place.compare_exchange(0, shape, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) if found == shape => return,
                Err(_) => {}
            }
        }
    }

    fn places(&self, shape: u64) -> impl Iterator<Item = &AtomicU64> {
        // The upper bits of the hash are the better ones.
        let first = usize::try_from(shape >> 48).unwrap_or_default();
        (first..first + TRIED).map(|place| &self.0[place % PLACES])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_remembered_until_there_is_no_place_for_more() {
        let shapes = Shapes::default();
        let shape = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        assert!(!shapes.contains(shape(1)));
        (1..=400).for_each(|number| shapes.insert(shape(number)));
        let known = (1..=400).filter(|&number| shapes.contains(shape(number))).count();
        assert!(known > 390, "{known}");
        assert!(!shapes.contains(shape(500)));
        (1..=100_000).for_each(|number| shapes.insert(shape(number)));
        assert!(shapes.contains(shape(1)));
    }
}
