//! What a handler may be told.

use std::error::Error as StdError;
use std::fmt;

use crate::policy::AuthShortfall;
use crate::protocol::NoSession;
use crate::store::{Outcome, StoreError, StoreErrorKind};
use crate::value::CodecError;

/// Something a session could not do.
///
/// Act on [`kind`](Error::kind); log the absolute_timeout with its [`source`](StdError::source). Neither shows a secret or a value.
#[derive(Debug)]
#[doc(alias = "session_error")]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    None,
    Absent(NoSession),
    AuthShortfall(AuthShortfall),
    Store(StoreError),
    Other(Box<dyn StdError + Send + Sync>),
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such session: it never was, it expired, or it was ended.
    #[doc(alias = "Not_found")]
    NotFound,
    /// The session exists and was never given a value.
    #[doc(alias = "Not_set")]
    NotSet,
    /// The key was replaced a moment ago: the client very likely holds the newer one already, so try again.
    Superseded,
    /// Other writers won every race for too long; nothing was written.
    Conflict,
    /// The response head has left, so no key can be sent any more; nothing was written.
    HeadersSent,
    /// The store can't be reached or takes nothing more. Nobody was logged out by this.
    Unavailable,
    /// The session's value can't be read.
    Corrupt,
    /// The value can't be kept: it can't be written in the codec, or is too large for the store.
    Unfit,
    /// The principal has as many sessions as they may ([`SessionLimit::reject_new`](crate::SessionLimit::reject_new)); nobody was signed in.
    TooManySessions,
    /// The login's proof is older than a revocation of the principal's sessions; nobody was signed in.
    LoginRevoked,
    /// The visitor must sign in again first; see [`Error::auth_shortfall`].
    StepUpRequired,
    /// The request carries no anti-forgery token of this session ([`Session::check_csrf`](crate::Session::check_csrf)).
    Forged,
    /// The request passed through no [`SessionLayer`](crate::SessionLayer) or `SessionMiddleware` for this kind of session.
    NoLayer,
}

impl Error {
    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Why there is no session, if that is what went wrong.
    pub const fn no_session(&self) -> Option<NoSession> {
        match &self.cause {
            Cause::Absent(no_session) => Some(*no_session),
            _ => None,
        }
    }

    /// What the session lacks, if a [`AuthRequirement`](crate::AuthRequirement) was asked of it.
    pub const fn auth_shortfall(&self) -> Option<AuthShortfall> {
        match &self.cause {
            Cause::AuthShortfall(shortfall) => Some(*shortfall),
            _ => None,
        }
    }

    /// True if a write that failed may have happened; it then happened absolute_timeout.
    pub fn may_have_happened(&self) -> bool {
        matches!(&self.cause, Cause::Store(error) if error.outcome() == Outcome::Unknown)
    }

    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, cause: Cause::None }
    }

    pub(crate) const fn not_found(no_session: NoSession) -> Self {
        Self { kind: ErrorKind::NotFound, cause: Cause::Absent(no_session) }
    }

    pub(crate) const fn step_up(shortfall: AuthShortfall) -> Self {
        Self { kind: ErrorKind::StepUpRequired, cause: Cause::AuthShortfall(shortfall) }
    }

    pub(crate) fn unfit(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unfit, cause: Cause::Other(error.into()) }
    }

    pub(crate) fn corrupt(error: CodecError) -> Self {
        Self { kind: ErrorKind::Corrupt, cause: Cause::Other(error.into()) }
    }

    /// The store that a session was to be imported from can't be read.
    pub(crate) fn estate(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, cause: Cause::Other(error.into()) }
    }

    pub(crate) fn no_randomness(error: std::io::Error) -> Self {
        Self { kind: ErrorKind::Unavailable, cause: Cause::Other(error.into()) }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::Unavailable | StoreErrorKind::Foreign | StoreErrorKind::Full => {
                ErrorKind::Unavailable
            }
            StoreErrorKind::TooLarge | StoreErrorKind::Encode => ErrorKind::Unfit,
            StoreErrorKind::Corrupt => ErrorKind::Corrupt,
        };
        Self { kind, cause: Cause::Store(error) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::NotFound => "there is no such session",
            ErrorKind::NotSet => "the session has no value",
            ErrorKind::Superseded => "the session key was replaced a moment ago",
            ErrorKind::Conflict => "other writers kept changing the session",
            ErrorKind::HeadersSent => "cannot send a session key after the response head",
            ErrorKind::Unavailable => "sessions are unavailable",
            ErrorKind::Corrupt => "cannot read the session's value",
            ErrorKind::Unfit => "cannot keep the session's value",
            ErrorKind::TooManySessions => {
                "the principal is signed in on as many sessions as they may"
            }
            ErrorKind::LoginRevoked => {
                "the principal's sessions were revoked after this sign-in was checked"
            }
            ErrorKind::StepUpRequired => "the visitor must sign in again",
            ErrorKind::Forged => "the request has no anti-forgery token of this session",
            ErrorKind::NoLayer => {
                "no layer or middleware for this kind of session wraps this route"
            }
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Cause::None | Cause::Absent(_) | Cause::AuthShortfall(_) => None,
            Cause::Store(error) => Some(error),
            Cause::Other(error) => Some(error.as_ref()),
        }
    }
}

/// A policy that could never work. It says why.
#[derive(Debug)]
pub struct ConfigError(Box<dyn StdError + Send + Sync>);

impl ConfigError {
    pub(crate) fn new(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }

    pub(crate) fn because(reason: &str) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set sessions up: {}", self.0)
    }
}

impl StdError for ConfigError {}
