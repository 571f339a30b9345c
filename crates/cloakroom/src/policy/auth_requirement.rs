//! How recently and how well a visitor proved who they are.

use std::fmt;
use std::time::Duration;

use super::Assurance;

/// What a sensitive step asks of a session: that somebody is signed in, lately, and well enough
/// (OWASP, "Reauthentication After Risk Events").
///
/// ```
/// # use cloakroom::{AuthRequirement, Error, Session, SessionMap};
/// # use std::time::Duration;
/// const RECENT: AuthRequirement = AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
///
/// async fn change_password(mut session: Session<SessionMap>) -> Result<(), Error> {
///     session.require(RECENT).await?; // 401, unless the handler looks at `error.auth_shortfall()` and answers otherwise
///     // ..
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a requirement does nothing until a session is asked"]
pub struct AuthRequirement {
    within: Option<Duration>,
    assurance: Assurance,
}

impl AuthRequirement {
    /// Somebody must be signed in.
    pub const fn signed_in() -> Self {
        Self { within: None, assurance: Assurance::new(0) }
    }

    /// They must have proved who they are at most `span` ago.
    pub const fn within(mut self, span: Duration) -> Self {
        self.within = Some(span);
        self
    }

    /// They must have proved it at least this well.
    pub const fn at_least(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    pub(crate) const fn assurance(self) -> Assurance {
        self.assurance
    }

    pub(crate) const fn max_age(self) -> Option<Duration> {
        self.within
    }
}

/// What a session lacks that a [`AuthRequirement`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthShortfall {
    /// Nobody is signed in.
    SignedOut,
    /// They proved who they are, and that is this long ago.
    TooLongAgo {
        /// How long.
        since: Duration,
    },
    /// They did not prove it well enough.
    TooWeak {
        /// How well they would have to.
        needed: Assurance,
    },
}

impl fmt::Display for AuthShortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut => f.write_str("nobody is signed in"),
            Self::TooLongAgo { since } => write!(f, "signed in {} s ago", since.as_secs()),
            Self::TooWeak { needed } => write!(f, "signed in below assurance level {needed}"),
        }
    }
}
