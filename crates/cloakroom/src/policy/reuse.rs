//! What to do about a copied key.

use std::time::Duration;

/// What to do when a secret that was renewed turns up again long after it retired.
///
/// Two clients then hold copies of one key, and the server cannot tell which of them is the
/// attacker. (RFC 9700 section 4.14.2 detects stolen refresh tokens in the same way.)
///
/// Every policy reports [`Event::KeyReused`](crate::observe::Event::KeyReused). A bearer token is
/// never renewed, so its client cannot have fallen behind: there, reuse is only reported.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::policy::ReusePolicy;
/// # use std::time::Duration;
/// let sessions: Sessions<SessionMap> = Sessions::builder(MemoryStore::new())
///     .reuse(ReusePolicy::refuse().after(Duration::from_secs(15 * 60)))
///     .build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is given to `SessionsBuilder::reuse`"]
pub struct ReusePolicy {
    pub(crate) reaction: Reaction,
    pub(crate) after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    End,
    Refuse,
    Report,
}

impl Default for ReusePolicy {
    fn default() -> Self {
        Self::end()
    }
}

impl ReusePolicy {
    pub(crate) const DEFAULT_AFTER: Duration = Duration::from_secs(5 * 60);
    pub(crate) const MIN_AFTER: Duration = Duration::from_secs(60);

    /// End the session, and tell both clients the reason. This is the default.
    pub const fn end() -> Self {
        Self::new(Reaction::End)
    }

    /// Refuse the request (`Superseded`, 409) and keep the session. With the copied key nothing can
    /// begin but a login.
    pub const fn refuse() -> Self {
        Self::new(Reaction::Refuse)
    }

    /// Treat the copied key like any other key that opens no session, and keep the session.
    pub const fn report() -> Self {
        Self::new(Reaction::Report)
    }

    const fn new(reaction: Reaction) -> Self {
        Self { reaction, after: Self::DEFAULT_AFTER }
    }

    /// How long after its retirement a presented secret counts as a copy: five minutes by default,
    /// and at least one.
    ///
    /// A shorter span notices an attacker sooner, and more often takes a browser for one that has
    /// restored an old cookie after a crash.
    pub fn after(mut self, span: Duration) -> Self {
        self.after = span.max(Self::MIN_AFTER);
        self
    }
}
