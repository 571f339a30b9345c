//! How recently and how well a visitor proved who they are.

use std::fmt;
use std::time::Duration;

use crate::record::Record;
use crate::time::Timestamp;

/// How well a visitor proved who they are, on a scale of the application's own: more is better, 0 is the least.
///
/// NIST's levels fit (1, 2, 3), and so do 1 for a password and 2 for a second factor. A session's level never exceeds
/// that of the sign-in it began with (SP 800-63B-4 section 5.1): only another [`login`](crate::Session::login) raises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assurance(u8);

impl Assurance {
    /// The level `level`.
    pub const fn new(level: u8) -> Self {
        Self(level)
    }

    /// The level as a number.
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a sensitive step asks of a session: that somebody is signed in, lately, and well enough
/// (OWASP, "Reauthentication After Risk Events").
///
/// ```
/// # use cloakroom::{Error, Freshness, Map, Session};
/// # use std::time::Duration;
/// const RECENT: Freshness = Freshness::signed_in().within(Duration::from_secs(5 * 60));
///
/// async fn change_password(mut session: Session<Map>) -> Result<(), Error> {
///     session.require(RECENT).await?; // 401, unless the handler looks at `error.unmet()` and answers otherwise
///     // ..
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a requirement does nothing until a session is asked"]
pub struct Freshness {
    within: Option<Duration>,
    assurance: Assurance,
}

impl Freshness {
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

    /// What a session lacks at `now`; nothing if it meets this.
    pub(crate) fn unmet(self, record: Option<&Record>, now: Timestamp) -> Option<Unmet> {
        let signed_in = record.filter(|record| record.principal().is_some());
        let Some((record, at)) = signed_in.and_then(|record| Some((record, record.authenticated_at()?)))
        else {
            return Some(Unmet::SignedOut);
        };
        if record.assurance() < self.assurance {
            return Some(Unmet::TooWeak { needed: self.assurance });
        }
        let since = now.since(at);
        self.within.filter(|span| since > *span).map(|_| Unmet::TooLongAgo { since })
    }
}

/// What a session lacks that a [`Freshness`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
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

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut => f.write_str("nobody is signed in"),
            Self::TooLongAgo { since } => write!(f, "signed in {} s ago", since.as_secs()),
            Self::TooWeak { needed } => write!(f, "signed in below assurance level {needed}"),
        }
    }
}
