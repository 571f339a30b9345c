//! What is done about a copied key.

use std::time::Duration;

use crate::protocol;

/// What is done when a secret that was renewed away turns up long after its retirement: two clients hold copies of one
/// key, and nobody can tell which of the two is the thief.
///
/// Whatever is done, [`Event::KeyReused`](crate::observe::Event::KeyReused) reports it. A bearer token is never renewed, so
/// its client can't have fallen behind: there it is only reported.
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
    /// Ends the session, and tells both holders why. The default.
    pub const fn end() -> Self {
        Self::of(Reaction::End)
    }

    /// Refuses the request (`Superseded`, 409): nothing begins under the copy but a login, and the session goes on.
    pub const fn refuse() -> Self {
        Self::of(Reaction::Refuse)
    }

    /// Treats the copy as any other key that opens nothing; the session goes on.
    pub const fn report() -> Self {
        Self::of(Reaction::Report)
    }

    const fn of(reaction: Reaction) -> Self {
        Self { reaction, after: protocol::REUSE_AFTER }
    }

    /// From how long after its retirement a secret in use is taken for a copy; five minutes unless said, one at least.
    ///
    /// Sooner catches a thief sooner, and now and then a browser that restored an old cookie after a crash.
    #[must_use = "a policy is a value: the changed one is returned"]
    pub fn after(mut self, span: Duration) -> Self {
        self.after = span.max(protocol::SUPERSEDED_FOR);
        self
    }
}
