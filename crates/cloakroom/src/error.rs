//! What a handler may be told.

mod answer;

use std::error::Error as StdError;
use std::fmt;

use crate::codec::CodecError;
use crate::freshness::Unmet;
use crate::protocol::Vacancy;
use crate::store::{Outcome, StoreError, StoreErrorKind};

/// Something a session could not do.
///
/// Act on [`kind`](Error::kind); log the whole with its [`source`](StdError::source). Neither shows a secret or a value.
#[derive(Debug)]
#[doc(alias = "session_error")]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    None,
    Vacant(Vacancy),
    Unmet(Unmet),
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
    /// The principal has as many sessions as they may ([`Limit::refusing`](crate::Limit::refusing)); nobody was signed in.
    TooManySessions,
    /// The login's proof is older than a revocation of the principal's sessions; nobody was signed in.
    LoginRevoked,
    /// The visitor must sign in again first; see [`Error::unmet`].
    Unmet,
    /// The request carries no anti-forgery token of this session ([`Session::check_csrf`](crate::Session::check_csrf)).
    Forged,
    /// Too many of the client's keys opened nothing ([`Builder::throttle`](crate::Builder::throttle)): try later.
    Throttled,
    /// The request passed through no [`SessionLayer`](crate::SessionLayer) or `SessionMiddleware` for this kind of session.
    NoLayer,
}

impl Error {
    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Why there is no session, if that is what went wrong.
    pub const fn vacancy(&self) -> Option<Vacancy> {
        match &self.cause {
            Cause::Vacant(vacancy) => Some(*vacancy),
            _ => None,
        }
    }

    /// What the session lacks, if a [`Freshness`](crate::Freshness) was asked of it.
    pub const fn unmet(&self) -> Option<Unmet> {
        match &self.cause {
            Cause::Unmet(unmet) => Some(*unmet),
            _ => None,
        }
    }

    /// True if a write that failed may have happened; it then happened whole.
    pub fn may_have_happened(&self) -> bool {
        matches!(&self.cause, Cause::Store(error) if error.outcome() == Outcome::Unknown)
    }

    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, cause: Cause::None }
    }

    pub(crate) const fn vacant(vacancy: Vacancy) -> Self {
        Self { kind: ErrorKind::NotFound, cause: Cause::Vacant(vacancy) }
    }

    pub(crate) const fn stale(unmet: Unmet) -> Self {
        Self { kind: ErrorKind::Unmet, cause: Cause::Unmet(unmet) }
    }

    pub(crate) fn unfit(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unfit, cause: Cause::Other(error.into()) }
    }

    pub(crate) fn corrupt(error: CodecError) -> Self {
        Self { kind: ErrorKind::Corrupt, cause: Cause::Other(error.into()) }
    }

    /// The store that a session was to be inherited from can't be read.
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
            ErrorKind::TooManySessions => "the principal is signed in on as many sessions as they may",
            ErrorKind::LoginRevoked => "the principal's sessions were revoked after this sign-in was checked",
            ErrorKind::Unmet => "the visitor must sign in again",
            ErrorKind::Forged => "the request has no anti-forgery token of this session",
            ErrorKind::Throttled => "too many keys from this client opened nothing",
            ErrorKind::NoLayer => "no layer or middleware for this kind of session wraps this route",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Cause::None | Cause::Vacant(_) | Cause::Unmet(_) => None,
            Cause::Store(error) => Some(error),
            Cause::Other(error) => Some(error.as_ref()),
        }
    }
}
