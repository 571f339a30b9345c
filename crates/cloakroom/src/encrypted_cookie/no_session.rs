//! Why there is no encrypted session.

use std::fmt;

/// Why a request has no encrypted session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoEncryptedSession {
    /// The request has no cookie of the name.
    NoCookie,
    /// No key of the ring decrypts the cookie: it was forged or damaged, made for another cookie or
    /// kind, or encrypted with a key that was removed.
    Unopened,
    /// It was encrypted by a server whose clock is more than a minute ahead of this one's.
    NotYetValid,
    /// The session reached a deadline.
    Expired,
    /// The session began before the builder's [`revoke_issued_before`].
    ///
    /// [`revoke_issued_before`]: super::EncryptedSessionsBuilder::revoke_issued_before
    Revoked,
    /// It is ours, but the value cannot be decoded: add a
    /// [`schema`](super::EncryptedSessionsBuilder::schema) upgrade.
    Unreadable,
    /// This request ended it, or an earlier one did, and the browser remembers that: see
    /// [`EncryptedSession::end`](super::EncryptedSession::end).
    Ended,
    /// Another site started the request, and its browser may have kept the cookie back
    /// (`SameSite`).
    ///
    /// Nothing begins, because a new cookie would replace the session that the browser has. Send
    /// the user to a page of yours with a redirect (303). Under `SameSite=Lax` that request carries
    /// the cookie.
    Withheld,
}

impl fmt::Display for NoEncryptedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCookie => "the request has no session cookie",
            Self::Unopened => "no key decrypts the cookie",
            Self::NotYetValid => "the session began in the future",
            Self::Expired => "the session expired",
            Self::Revoked => "the session was revoked",
            Self::Unreadable => "the value in the cookie cannot be decoded",
            Self::Ended => "the session was ended",
            Self::Withheld => "another site started the request",
        })
    }
}
