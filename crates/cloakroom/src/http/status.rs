//! The response to a request whose session failed.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::error::{Error, ErrorKind};

/// Seconds after which a client can try again when the store is down.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");
const NO_SESSION: HeaderValue = HeaderValue::from_static("Bearer");
const SIGN_IN_AGAIN: HeaderValue =
    HeaderValue::from_static("Bearer error=\"insufficient_user_authentication\"");

impl Error {
    /// The status of the response to a request that failed with this error.
    ///
    /// The integrations answer with it, with [`header`](Error::header) and an empty body: a client
    /// learns nothing about the store. In a debug build, the body of a 500 is the error's message,
    /// and so is that of a 403 by
    /// [`CrossOriginProtection`](crate::http::CrossOriginProtection).
    ///
    /// | kind | status |
    /// |---|---|
    /// | `Unavailable`, `Unreadable`, `ProofNeeded` | 503 with `Retry-After` |
    /// | `NotFound`, `NotSet`, `Superseded`, `Conflict` | 409: the session changed; try again |
    /// | `NotFound`, because the request came without a session | 401 |
    /// | `StepUpRequired`, `LoginRevoked` | 401: sign in again |
    /// | `TooManySessions`, `Forged`, `CrossSite` | 403 |
    /// | `Unfit`, because the value is too large | 413 |
    /// | `Unfit`, `HeadersSent`, `Corrupt`, `SharedCookie`, `NoLayer`, `NoBearer`, `InvalidPrincipal` | 500 |
    pub fn status(&self) -> StatusCode {
        match self.kind() {
            ErrorKind::Unavailable | ErrorKind::Unreadable | ErrorKind::ProofNeeded => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ErrorKind::NotFound if self.is_never_open() => StatusCode::UNAUTHORIZED,
            ErrorKind::NotFound
            | ErrorKind::NotSet
            | ErrorKind::Superseded
            | ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::StepUpRequired | ErrorKind::LoginRevoked => StatusCode::UNAUTHORIZED,
            ErrorKind::TooManySessions | ErrorKind::Forged | ErrorKind::CrossSite => {
                StatusCode::FORBIDDEN
            }
            ErrorKind::Unfit if self.is_too_large() => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Unfit
            | ErrorKind::HeadersSent
            | ErrorKind::Corrupt
            | ErrorKind::SharedCookie
            | ErrorKind::NoLayer
            | ErrorKind::NoBearer
            | ErrorKind::InvalidPrincipal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The header that belongs to the status, if there is one.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, RETRY_SECONDS)),
            // A 401 needs a challenge (RFC 9110 section 15.5.2): those of RFC 6750 and RFC 9470.
            StatusCode::UNAUTHORIZED if self.is_never_open() => {
                Some((WWW_AUTHENTICATE, NO_SESSION))
            }
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, SIGN_IN_AGAIN)),
            _ => None,
        }
    }
}
