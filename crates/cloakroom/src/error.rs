//! The errors of sessions, and of setting them up.

use std::error::Error as StdError;
use std::fmt;

use crate::policy::{AuthShortfall, PrincipalError};
use crate::protocol::{Failure, NoSession};
use crate::store::{Outcome, StoreError, StoreErrorKind};
use crate::value::CodecError;

/// The error of an operation on a session.
///
/// Match on its [`kind`](Error::kind), and log it together with its [`source`](StdError::source).
/// Neither shows a secret or a value.
#[derive(Debug)]
#[doc(alias = "session_error")]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    None,
    NoSession(NoSession),
    /// As above, and there was none when the request came.
    NeverOpen(NoSession),
    AuthShortfall(AuthShortfall),
    Store(StoreError),
    Codec(CodecError),
    /// What the programmer has to change.
    Mistake(Box<str>),
    Other(Box<dyn StdError + Send + Sync>),
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such session: it never existed, it expired, or it was ended.
    ///
    /// [`Error::no_session`] says which. Begin a session, or ask the user to sign in.
    #[doc(alias = "Not_found")]
    NotFound,
    /// The session exists but was never given a value
    /// ([`Sessions::allocate`](crate::Sessions::allocate)).
    #[doc(alias = "Not_set")]
    NotSet,
    /// The key was replaced a moment ago. The client probably holds the newer one already: send the
    /// request again.
    Superseded,
    /// Other requests kept changing the session, and nothing was written. Try again.
    Conflict,
    /// The response head was sent already, so no key can be sent any more; nothing was written.
    ///
    /// Begin, renew or end sessions before the response begins.
    HeadersSent,
    /// The store cannot be reached or is full, or the system has no randomness. No session ended.
    Unavailable,
    /// The session cannot be read, and its client keeps the key: another version of the application
    /// wrote it, or it is damaged. Nothing was written; see
    /// [`UnreadablePolicy`](crate::policy::UnreadablePolicy).
    Unreadable,
    /// The session is bound to a device, and the request came without a secret that is still good;
    /// see [`NoSession::ProofNeeded`]. Nothing was written, and nothing began.
    ProofNeeded,
    /// Another site started the request: a session that begins now would replace one whose cookie
    /// the browser may have kept back, or a sign-in may be forged.
    ///
    /// See [`NoSession::Withheld`],
    /// [`Login::cross_site_verified`](crate::Login::cross_site_verified) and
    /// [`CrossOriginProtection`](crate::http::CrossOriginProtection), which refuses such requests
    /// before a handler runs.
    CrossSite,
    /// A bearer key was to be minted, and these sessions do not accept bearer keys; see
    /// [`Transport::cookie_or_bearer`](crate::Transport::cookie_or_bearer).
    NoBearer,
    /// The session's value cannot be decoded; see
    /// [`SessionsBuilder::schema`](crate::SessionsBuilder::schema) and
    /// [`UnreadablePolicy`](crate::policy::UnreadablePolicy).
    Corrupt,
    /// The value cannot be stored, and nothing was written: the codec cannot write it or could not
    /// read it back, or it is larger than
    /// [`max_value`](crate::SessionsBuilder::max_value) or the store allows.
    Unfit,
    /// The principal has reached their limit of sessions, and was not signed in; see
    /// [`SessionLimit::reject_new`](crate::SessionLimit::reject_new).
    TooManySessions,
    /// The principal's sessions were revoked after this proof was checked, and no one was signed
    /// in; see [`Login::with_authenticated_at`](crate::Login::with_authenticated_at).
    LoginRevoked,
    /// The user must sign in again first; [`Error::auth_shortfall`] says why.
    StepUpRequired,
    /// The request carries no valid CSRF token of this session; see
    /// [`Session::check_csrf`](crate::Session::check_csrf).
    Forged,
    /// Two layers around the route have one cookie: each would replace the other's session. The
    /// message names both values.
    SharedCookie,
    /// The route is not wrapped in a `SessionLayer` or `SessionMiddleware` for this value and kind
    /// of session. The message names both, the layers that do wrap it, and what to write.
    NoLayer,
    /// A name cannot be a [`Principal`](crate::Principal).
    InvalidPrincipal,
}

impl Error {
    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Why there is no session, if the kind is [`ErrorKind::NotFound`],
    /// [`ErrorKind::ProofNeeded`] or [`ErrorKind::Unreadable`].
    pub const fn no_session(&self) -> Option<NoSession> {
        match &self.cause {
            Cause::NoSession(no_session) | Cause::NeverOpen(no_session) => Some(*no_session),
            _ => None,
        }
    }

    /// What the session lacks of an [`AuthRequirement`](crate::AuthRequirement), if the kind is
    /// [`ErrorKind::StepUpRequired`].
    pub const fn auth_shortfall(&self) -> Option<AuthShortfall> {
        match &self.cause {
            Cause::AuthShortfall(shortfall) => Some(*shortfall),
            _ => None,
        }
    }

    /// True if the value is too large, and is otherwise fit to be stored.
    pub(crate) fn is_too_large(&self) -> bool {
        match &self.cause {
            Cause::Codec(error) => error.is_too_large(),
            Cause::Store(error) => error.kind() == StoreErrorKind::TooLarge,
            _ => false,
        }
    }

    /// True if it is unknown whether a write happened; if it did, it happened completely.
    ///
    /// Of an operation that ends several sessions, a part may have happened. Repeating it is safe.
    pub fn may_have_happened(&self) -> bool {
        matches!(&self.cause, Cause::Store(error) if error.outcome() == Outcome::Unknown)
    }

    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, cause: Cause::None }
    }

    pub(crate) const fn not_found(no_session: NoSession) -> Self {
        Self { kind: ErrorKind::NotFound, cause: Cause::NoSession(no_session) }
    }

    /// For an operation that needs a session, in a request that came without one.
    pub(crate) const fn never_open(no_session: NoSession) -> Self {
        Self { kind: ErrorKind::NotFound, cause: Cause::NeverOpen(no_session) }
    }

    /// True if the request came without a session, and needs one.
    pub(crate) const fn is_never_open(&self) -> bool {
        matches!(self.cause, Cause::NeverOpen(_))
    }

    pub(crate) const fn unreadable() -> Self {
        Self { kind: ErrorKind::Unreadable, cause: Cause::NoSession(NoSession::Unreadable) }
    }

    pub(crate) const fn proof_needed() -> Self {
        Self { kind: ErrorKind::ProofNeeded, cause: Cause::NoSession(NoSession::ProofNeeded) }
    }

    pub(crate) const fn step_up(shortfall: AuthShortfall) -> Self {
        Self { kind: ErrorKind::StepUpRequired, cause: Cause::AuthShortfall(shortfall) }
    }

    /// For a request that is refused by its headers; the message says which, and the way out.
    pub(crate) fn cross_site(message: String) -> Self {
        Self { kind: ErrorKind::CrossSite, cause: Cause::Mistake(message.into()) }
    }

    /// True if the message says what this very program has to change.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) const fn is_specific(&self) -> bool {
        matches!(self.cause, Cause::Mistake(_))
    }

    pub(crate) fn shared_cookie(mistake: &str) -> Self {
        Self { kind: ErrorKind::SharedCookie, cause: Cause::Mistake(mistake.into()) }
    }

    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn no_layer(mistake: String) -> Self {
        Self { kind: ErrorKind::NoLayer, cause: Cause::Mistake(mistake.into()) }
    }

    pub(crate) const fn unfit(error: CodecError) -> Self {
        Self { kind: ErrorKind::Unfit, cause: Cause::Codec(error) }
    }

    pub(crate) const fn corrupt(error: CodecError) -> Self {
        Self { kind: ErrorKind::Corrupt, cause: Cause::Codec(error) }
    }

    pub(crate) fn unavailable(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
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

/// So that `?` in a handler takes `Principal::new`, too: `InvalidPrincipal`.
impl From<PrincipalError> for Error {
    fn from(error: PrincipalError) -> Self {
        let mistake = error.to_string().into();
        Self { kind: ErrorKind::InvalidPrincipal, cause: Cause::Mistake(mistake) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoSession(no_session) => Self::not_found(no_session),
            Failure::Superseded => Self::new(ErrorKind::Superseded),
            Failure::Unreadable => Self::unreadable(),
            Failure::ProofNeeded => Self::proof_needed(),
            Failure::CrossSite => Self::new(ErrorKind::CrossSite),
            Failure::NoBearer => Self::new(ErrorKind::NoBearer),
            Failure::Conflict => Self::new(ErrorKind::Conflict),
            Failure::HeadersSent => Self::new(ErrorKind::HeadersSent),
            Failure::TooManySessions => Self::new(ErrorKind::TooManySessions),
            Failure::LoginRevoked => Self::new(ErrorKind::LoginRevoked),
            Failure::StoreFailed(error) => Self::from(error),
            Failure::Unfit(error) => Self::unfit(error),
            Failure::Corrupt(error) => Self::corrupt(error),
            Failure::Randomness(error) => Self::unavailable(error),
            Failure::OutOfOrder => {
                Self::unavailable("an operation was given an answer that it had not asked for")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::NotFound => "the session does not exist",
            ErrorKind::NotSet => "the session has no value",
            ErrorKind::Superseded => {
                "the session key was replaced a moment ago; send the request again"
            }
            ErrorKind::Conflict => "other requests kept changing the session; try again",
            ErrorKind::HeadersSent => {
                "a session key cannot be sent after the response head: begin, renew or end the \
                 session before the handler returns, or give a task that outlives it a \
                 `Session::detach`"
            }
            ErrorKind::Unavailable => "sessions are unavailable",
            ErrorKind::Unreadable => {
                "the session cannot be read, because another version of the application wrote it \
                 or it is damaged; its client keeps the key"
            }
            ErrorKind::ProofNeeded => {
                "the session is bound to a device, and its browser has not refreshed the cookie"
            }
            ErrorKind::CrossSite => {
                "another site started the request, so no session begins: redirect to a page of \
                 yours, or say `begin_cross_site` or `Login::cross_site_verified`"
            }
            ErrorKind::NoBearer => {
                "these sessions accept no bearer keys: build them with \
                 `Transport::cookie_or_bearer` or `Transport::bearer`"
            }
            ErrorKind::Corrupt => "the session's value cannot be read",
            ErrorKind::Unfit => "the session's value cannot be stored",
            ErrorKind::TooManySessions => "the principal has reached the limit of sessions",
            ErrorKind::LoginRevoked => {
                "the principal's sessions were revoked after this sign-in was checked"
            }
            ErrorKind::StepUpRequired => "the user must sign in again",
            ErrorKind::SharedCookie => "two kinds of session share a cookie",
            ErrorKind::Forged => "the request has no valid CSRF token of this session",
            ErrorKind::NoLayer => "no session layer for this kind of session wraps this route",
            ErrorKind::InvalidPrincipal => "the name cannot be a principal",
        };
        match &self.cause {
            Cause::NoSession(NoSession::Ended(reason))
            | Cause::NeverOpen(NoSession::Ended(reason)) => write!(f, "{what}: {reason}"),
            Cause::NoSession(NoSession::Expired) | Cause::NeverOpen(NoSession::Expired) => {
                write!(f, "{what}: expired")
            }
            Cause::Codec(error) => write!(f, "{what}: {error}"),
            Cause::Mistake(mistake) => f.write_str(mistake),
            _ => f.write_str(what),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Cause::None
            | Cause::NoSession(_)
            | Cause::NeverOpen(_)
            | Cause::AuthShortfall(_)
            | Cause::Mistake(_) => None,
            Cause::Store(error) => Some(error),
            // Its reason is in the message.
            Cause::Codec(error) => error.source(),
            Cause::Other(error) => Some(error.as_ref()),
        }
    }
}

/// The error for a policy that could never work; its message says why.
#[derive(Debug)]
pub struct ConfigError {
    /// What cannot be set up.
    what: &'static str,
    cause: Box<dyn StdError + Send + Sync>,
}

impl ConfigError {
    pub(crate) fn new(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self { what: "sessions", cause: Box::new(cause) }
    }

    pub(crate) fn because(reason: &str) -> Self {
        Self { what: "sessions", cause: reason.into() }
    }

    pub(crate) fn of_cross_origin_protection(reason: String) -> Self {
        Self { what: "cross-origin protection", cause: reason.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set up {}: {}", self.what, self.cause)
    }
}

impl StdError for ConfigError {}
