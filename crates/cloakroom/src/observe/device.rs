//! Why a session's device leads to nothing.

/// Why a device's proof leads to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProofRefusal {
    /// The request has no session to bind, or no such session is bound.
    NoSession,
    /// The session is not on offer any more, or is bound already.
    NotOffered,
    /// The proof is malformed, or was not made with the key.
    Invalid,
    /// The challenge is an old one, or none of this session's.
    Stale,
    /// A sign-in has dropped the binding a moment ago, and another one is being made.
    Overtaken,
    /// Too many secrets are on their way to the browser.
    TooMany,
}

impl ProofRefusal {
    /// The reason in a few words, as logs print it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSession => "no session",
            Self::NotOffered => "not offered",
            Self::Invalid => "invalid",
            Self::Stale => "stale challenge",
            Self::Overtaken => "overtaken by a sign-in",
            Self::TooMany => "too many at once",
        }
    }
}

/// Why a browser did not refresh the cookie of a bound session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// The endpoint could not be reached.
    Unreachable,
    /// The endpoint answered with a server error.
    ServerError,
    /// The browser makes no more proofs for now.
    QuotaExceeded,
}

impl SkipReason {
    /// The reason as the header `Secure-Session-Skipped` says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::ServerError => "server_error",
            Self::QuotaExceeded => "quota_exceeded",
        }
    }
}
