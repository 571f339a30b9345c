//! How much memory a value may take that is kept decoded next to its bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory that was granted to a value, in bytes. It is only known once the value is decoded, so
/// a value that takes more is not kept, and says what it wants.
#[derive(Debug)]
pub(super) struct Room {
    granted: AtomicUsize,
    wanted: AtomicUsize,
}

/// Of bytes that no cache holds: the request that decodes them holds them no longer.
const UNBOUNDED: usize = usize::MAX;

impl Room {
    pub(super) const fn unbounded() -> Self {
        Self { granted: AtomicUsize::new(UNBOUNDED), wanted: AtomicUsize::new(0) }
    }

    pub(super) fn grant(&self, bytes: usize) {
        self.granted.store(bytes, Ordering::Relaxed);
    }

    /// What a value would take that was not kept.
    pub(super) fn wanted(&self) -> Option<usize> {
        let wanted = self.wanted.load(Ordering::Relaxed);
        (wanted > self.granted.load(Ordering::Relaxed)).then_some(wanted)
    }

    /// Whether a value can be kept that takes `memory`, if that can be known.
    pub(super) fn has_room(&self, memory: impl FnOnce() -> Option<usize>) -> bool {
        let granted = self.granted.load(Ordering::Relaxed);
        if granted == UNBOUNDED {
            return true;
        }
        // What cannot be known is never granted.
        let Some(memory) = memory() else { return false };
        self.wanted.store(memory, Ordering::Relaxed);
        memory <= granted
    }
}
