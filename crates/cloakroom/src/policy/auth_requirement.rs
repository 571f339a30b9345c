//! What a sensitive step asks of the sign-in.

use std::fmt;
use std::time::Duration;

use super::Assurance;

/// What a sensitive step asks of a session: that someone is signed in, recently enough and with a
/// strong enough proof.
///
/// This is step-up authentication (RFC 9470; OWASP Session Management Cheat Sheet,
/// "Reauthentication After Risk Events").
///
/// ```
/// # use cloakroom::{AuthRequirement, Error, Session, SessionMap};
/// # use std::time::Duration;
/// const RECENT: AuthRequirement =
///     AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
///
/// async fn change_password(mut session: Session<SessionMap>) -> Result<(), Error> {
///     session.require(RECENT).await?; // 401; `error.auth_shortfall()` says what is missing
///     // ..
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a requirement does nothing until it is passed to `Session::require`"]
pub struct AuthRequirement {
    max_age: Option<Duration>,
    assurance: Assurance,
    device_bound: bool,
}

impl AuthRequirement {
    /// Someone must be signed in.
    pub const fn signed_in() -> Self {
        Self { max_age: None, assurance: Assurance::new(0), device_bound: false }
    }

    /// The last proof must be at most `span` old.
    pub const fn within(mut self, span: Duration) -> Self {
        self.max_age = Some(span);
        self
    }

    /// The last proof must be at least this strong.
    pub const fn at_least(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    /// The session must be bound to a device: see [`DeviceBinding`](super::DeviceBinding).
    pub const fn device_bound(mut self) -> Self {
        self.device_bound = true;
        self
    }

    pub(crate) const fn is_device_bound(self) -> bool {
        self.device_bound
    }

    pub(crate) const fn assurance(self) -> Assurance {
        self.assurance
    }

    pub(crate) const fn max_age(self) -> Option<Duration> {
        self.max_age
    }
}

/// What a session lacks of an [`AuthRequirement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthShortfall {
    /// No one is signed in.
    SignedOut,
    /// The last proof is too old.
    TooLongAgo {
        /// How old it is.
        since: Duration,
    },
    /// The last proof is too weak.
    TooWeak {
        /// How strong it must be.
        needed: Assurance,
    },
    /// The session is not bound to a device.
    NotBound,
}

impl fmt::Display for AuthShortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut => f.write_str("no one is signed in"),
            Self::TooLongAgo { since } => {
                write!(f, "the last sign-in was {} s ago", since.as_secs())
            }
            Self::TooWeak { needed } => write!(f, "the sign-in is below assurance level {needed}"),
            Self::NotBound => f.write_str("the session is not bound to a device"),
        }
    }
}
