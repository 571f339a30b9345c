//! What a record keeps of its session's secrets.

use crate::key::{KeyFamily, Nonce, Verifier};
use crate::time::Timestamp;

/// The number of retired secrets that a record remembers.
pub const MAX_RETIRED: usize = 8;

/// The verifiers of the secrets that open a session, and traces of those that did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Credentials {
    /// The verifier of the current secret.
    pub current: Verifier,
    /// When the next timed renewal is due.
    pub renew_at: Timestamp,
    /// When the cookie with the newest secret expires; [`Timestamp::EPOCH`] if it must be sent
    /// again.
    pub cookie_until: Timestamp,
    /// `None` until the first renewal, so that most records stay small.
    history: Option<Box<History>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct History {
    successor: Option<Successor>,
    retired: Ring,
    family: Option<KeyFamily>,
}

impl Credentials {
    /// The credentials of a session with its first secret.
    pub(crate) const fn new(
        current: Verifier,
        renew_at: Timestamp,
        cookie_until: Timestamp,
    ) -> Self {
        Self { current, renew_at, cookie_until, history: None }
    }

    /// The secret that a timed renewal derived from the current one, until the current one retires.
    pub fn successor(&self) -> Option<&Successor> {
        self.history.as_ref()?.successor.as_ref()
    }

    /// The secrets that retired last, oldest first.
    pub fn retired(&self) -> &[RetiredSecret] {
        self.history.as_ref().map_or(&[], |history| &history.retired.0)
    }

    /// The key family of the current secret and its successor.
    pub fn family(&self) -> KeyFamily {
        self.stored_family().unwrap_or_else(|| self.current.family())
    }

    /// The key family, if it does not follow from the current secret.
    pub(crate) fn stored_family(&self) -> Option<KeyFamily> {
        self.history.as_ref()?.family
    }

    /// About how many bytes of memory the history takes.
    pub(crate) fn memory(&self) -> usize {
        self.history.as_ref().map_or(0, |history| {
            size_of::<History>() + size_of::<RetiredSecret>() * history.retired.0.capacity()
        })
    }

    /// True once the session's first secret has been followed by another.
    pub(crate) fn is_renewed(&self) -> bool {
        self.successor().is_some() || !self.retired().is_empty()
    }

    pub(crate) fn with_successor(mut self, successor: Option<Successor>) -> Self {
        self.edit_history(|history| history.successor = successor);
        self
    }

    pub(crate) fn with_family(mut self, family: Option<KeyFamily>) -> Self {
        self.edit_history(|history| history.family = family);
        self
    }

    /// The same, with every retired secret marked as retired by a sign-in.
    pub(crate) fn after_sign_in(mut self) -> Self {
        self.edit_history(|history| {
            for secret in &mut history.retired.0 {
                secret.how = Retirement::SignIn;
            }
        });
        self
    }

    pub(crate) fn with_retired(mut self, secret: RetiredSecret) -> Self {
        self.edit_history(|history| history.retired.push(secret));
        self
    }

    fn edit_history(&mut self, change: impl FnOnce(&mut History)) {
        let mut history = self.history.take().unwrap_or_default();
        change(&mut history);
        self.history = Some(history).filter(|history| **history != History::default());
    }
}

/// A secret that was derived from the current one and sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Successor {
    /// The verifier of the derived secret.
    pub verifier: Verifier,
    /// The nonce that it was derived with.
    pub nonce: Nonce,
    /// When it was first presented, if it was.
    pub seen: Option<Timestamp>,
}

/// How a secret came to retire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol knows these two ways")]
pub enum Retirement {
    /// By timed renewal: every client that presented it was sent its successor.
    Timer,
    /// By `login` or `renew`: honest requests in flight can still present it.
    SignIn,
}

/// What a record keeps of a secret that opens the session no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RetiredSecret {
    /// The first 64 bits of its verifier.
    pub(crate) prefix: u64,
    /// When it stopped opening the session.
    pub at: Timestamp,
    /// How it came to retire.
    pub how: Retirement,
}

impl RetiredSecret {
    /// The secret with this verifier, retired at `at`.
    pub fn new(verifier: &Verifier, at: Timestamp, how: Retirement) -> Self {
        Self { prefix: verifier.prefix(), at, how }
    }
}

/// The last [`MAX_RETIRED`] retired secrets, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Ring(Vec<RetiredSecret>);

impl Ring {
    fn push(&mut self, secret: RetiredSecret) {
        if self.0.len() == MAX_RETIRED {
            self.0.remove(0);
        }
        // Exactly one more: every record has a ring of its own.
        self.0.reserve_exact(1);
        self.0.push(secret);
    }
}
