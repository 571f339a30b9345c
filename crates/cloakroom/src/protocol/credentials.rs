//! The traces of a session's secrets that its record keeps.

use crate::key::{Lineage, Nonce, Verifier};
use crate::time::Timestamp;

/// Verifiers of the secrets that open a session, and marks of those that did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Credentials {
    /// The secret in force.
    pub current: Verifier,
    /// The secret derived from it at a timed renewal, until the current one retires.
    pub successor: Option<Successor>,
    /// When the next timed renewal is due.
    pub renew_at: Timestamp,
    /// How long the cookie that carries the newest secret lasts.
    pub cookie_until: Timestamp,
    /// The last secrets that were replaced.
    pub ring: Ring,
    /// The lineage of the secret in force, once it is not the first of it.
    pub(crate) lineage: Option<Lineage>,
}

impl Credentials {
    /// True once the session's first secret has been followed by another.
    pub(crate) fn is_renewed(&self) -> bool {
        self.successor.is_some() || self.ring.iter().next().is_some()
    }

    /// What the secrets in force have in common with those they were derived from.
    pub fn lineage(&self) -> Lineage {
        self.lineage.unwrap_or_else(|| self.current.lineage())
    }
}

/// A derived secret on its way to the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Successor {
    /// What it is recognised by.
    pub verifier: Verifier,
    /// What it was derived with.
    pub nonce: Nonce,
    /// When it was first presented.
    pub seen: Option<Timestamp>,
}

/// How a secret was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol knows these two ways")]
pub enum Replacement {
    /// By timed renewal: every holder was offered the successor.
    Timed,
    /// By `login` or `elevate`: requests in flight hold it innocently.
    NoGrace,
}

/// A secret that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Replaced {
    pub(crate) mark: u64,
    /// When it ceased to open the session.
    pub at: Timestamp,
    /// How it was replaced.
    pub how: Replacement,
}

impl Replaced {
    /// The trace of the secret with this verifier, replaced at `at`.
    pub fn new(verifier: &Verifier, at: Timestamp, how: Replacement) -> Self {
        Self { mark: verifier.mark(), at, how }
    }
}

/// The last replaced secrets, oldest first; the oldest makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Ring {
    slots: [Option<Replaced>; Self::CAPACITY],
}

impl Ring {
    /// How many replaced secrets are remembered.
    pub const CAPACITY: usize = 8;

    /// Remembers one more.
    pub fn push(&mut self, replaced: Replaced) {
        if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(replaced);
        } else {
            self.slots.rotate_left(1);
            self.slots[Self::CAPACITY - 1] = Some(replaced);
        }
    }

    /// What is remembered of the secret with this verifier.
    pub fn find(&self, verifier: &Verifier) -> Option<&Replaced> {
        self.iter().find(|replaced| replaced.mark == verifier.mark())
    }

    /// All that is remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Replaced> {
        self.slots.iter().flatten()
    }
}
