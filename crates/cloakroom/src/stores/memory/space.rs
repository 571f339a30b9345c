//! The limits of the store, and how much of them is used.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for entries and their bytes. Reserved room counts as used, so the limits always hold.
pub(super) struct Space {
    sessions: Gauge,
    bytes: Gauge,
}

impl Space {
    pub(super) const fn new(sessions: usize, bytes: usize) -> Self {
        Self { sessions: Gauge::new(sessions), bytes: Gauge::new(bytes) }
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.used()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.used()
    }

    /// Reserves room for both, or for neither and returns false.
    pub(super) fn reserve(&self, sessions: usize, bytes: usize) -> bool {
        if !self.sessions.take(sessions) {
            return false;
        }
        let taken = self.bytes.take(bytes);
        if !taken {
            self.sessions.give(sessions);
        }
        taken
    }

    /// Whether both would fit.
    pub(super) fn fits(&self, sessions: usize, bytes: usize) -> bool {
        self.sessions.fits(sessions) && self.bytes.fits(bytes)
    }

    /// Whether both would fit if everything else were removed.
    pub(super) const fn could_hold(&self, sessions: usize, bytes: usize) -> bool {
        sessions <= self.sessions.limit && bytes <= self.bytes.limit
    }

    /// Counts bytes that must be kept even beyond the limit.
    pub(super) fn exceed(&self, bytes: usize) {
        self.bytes.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn release(&self, sessions: usize, bytes: usize) {
        self.sessions.give(sessions);
        self.bytes.give(bytes);
    }
}

struct Gauge {
    used: AtomicUsize,
    limit: usize,
}

impl Gauge {
    const fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn fits(&self, amount: usize) -> bool {
        self.used().checked_add(amount).is_some_and(|sum| sum <= self.limit)
    }

    fn take(&self, amount: usize) -> bool {
        let grown = |used: usize| used.checked_add(amount).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    fn give(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}
