//! The traces of a session's secrets that its record keeps.

use crate::key::{KeyFamily, Nonce, Verifier};
use crate::time::Timestamp;

/// How many replaced secrets are remembered.
pub const MAX_RETIRED: usize = 8;

/// Verifiers of the secrets that open a session, and marks of those that did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Credentials {
    /// The secret in force.
    pub current: Verifier,
    /// When the next timed renewal is due.
    pub renew_at: Timestamp,
    /// How long the cookie that carries the newest secret lasts.
    pub cookie_until: Timestamp,
    /// What else there is to know once the first secret is not the only one: of most sessions there is nothing.
    history: Option<Box<History>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct History {
    successor: Option<Successor>,
    ring: Ring,
    family: Option<KeyFamily>,
}

impl Credentials {
    /// Those of a first secret.
    pub(crate) const fn new(
        current: Verifier,
        renew_at: Timestamp,
        cookie_until: Timestamp,
    ) -> Self {
        Self { current, renew_at, cookie_until, history: None }
    }

    /// The secret derived from the current one at a timed renewal, until that retires.
    pub fn successor(&self) -> Option<&Successor> {
        self.history.as_ref()?.successor.as_ref()
    }

    /// The last secrets that were replaced, oldest first.
    pub fn retired(&self) -> &[RetiredSecret] {
        self.history.as_ref().map_or(&[], |history| &history.ring.0)
    }

    /// What the secrets in force have in common with those they were derived from.
    pub fn family(&self) -> KeyFamily {
        self.own_family().unwrap_or_else(|| self.current.family())
    }

    /// The family of the secret in force, once it is not the first of it.
    pub(crate) fn own_family(&self) -> Option<KeyFamily> {
        self.history.as_ref()?.family
    }

    /// True once the session's first secret has been followed by another.
    pub(crate) fn is_renewed(&self) -> bool {
        self.successor().is_some() || !self.retired().is_empty()
    }

    /// With another derived secret, or without one.
    pub(crate) fn with_successor(mut self, successor: Option<Successor>) -> Self {
        self.edit(|history| history.successor = successor);
        self
    }

    /// With a family of its own.
    pub(crate) fn with_family(mut self, family: Option<KeyFamily>) -> Self {
        self.edit(|history| history.family = family);
        self
    }

    /// Having replaced one more secret.
    pub(crate) fn with_retired(mut self, replaced: RetiredSecret) -> Self {
        self.edit(|history| history.ring.push(replaced));
        self
    }

    fn edit(&mut self, change: impl FnOnce(&mut History)) {
        let mut history = self.history.take().unwrap_or_default();
        change(&mut history);
        self.history = Some(history).filter(|history| **history != History::default());
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
pub enum Retirement {
    /// By timed renewal: every typed_value was offered the successor.
    Timer,
    /// By `login` or `renew`: requests in flight hold it innocently.
    SignIn,
}

/// A secret that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RetiredSecret {
    pub(crate) mark: u64,
    /// When it ceased to open the session.
    pub at: Timestamp,
    /// How it was replaced.
    pub how: Retirement,
}

impl RetiredSecret {
    /// The trace of the secret with this verifier, replaced at `at`.
    pub fn new(verifier: &Verifier, at: Timestamp, how: Retirement) -> Self {
        Self { mark: verifier.mark(), at, how }
    }
}

/// The last replaced secrets, oldest first; the oldest makes room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Ring(Vec<RetiredSecret>);

impl Ring {
    fn push(&mut self, replaced: RetiredSecret) {
        if self.0.len() == MAX_RETIRED {
            self.0.remove(0);
        }
        // To the byte: there are as many of these as sessions.
        self.0.reserve_exact(1);
        self.0.push(replaced);
    }
}
