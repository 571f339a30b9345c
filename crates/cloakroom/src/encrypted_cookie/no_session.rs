//! Why a cookie opened no session.

use std::fmt;

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoEncryptedSession {
    /// No cookie of the name came.
    NoCookie,
    /// No key of the ring opens what came: it was forged, damaged, encrypted_cookie for another cookie or kind, or by a key that was removed.
    Unopened,
    /// EncryptedSession by a server whose clock is over a minute ahead of this one's.
    Premature,
    /// The session reached a deadline.
    Expired,
    /// The session began before [`revoke_issued_before`](super::EncryptedSessionsBuilder::revoke_issued_before).
    Revoked,
    /// The encrypt is ours and the value in it can't be decoded: write a [`schema`](super::EncryptedSessionsBuilder::schema) upgrade.
    Unreadable,
    /// It was ended by this very request.
    Ended,
}

impl NoEncryptedSession {
    /// True if no server of ours will ever open it, whatever keys, clock or codec it has.
    pub(super) const fn is_for_good(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked)
    }
}

impl fmt::Display for NoEncryptedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCookie => "no cookie came",
            Self::Unopened => "no key of the ring opens the cookie",
            Self::Premature => "the cookie was encrypted_cookie in the future",
            Self::Expired => "the session expired",
            Self::Revoked => "the session began before the watermark",
            Self::Unreadable => "the value in the cookie can't be decoded",
            Self::Ended => "the session was ended",
        })
    }
}
