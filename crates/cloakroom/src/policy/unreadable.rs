//! What to do with a value that cannot be decoded.

/// What to do with a session whose value cannot be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadablePolicy {
    /// Treat the request as one without a session, and keep the record until it expires.
    #[default]
    SetAside,
    /// Answer every request with [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
    Refuse,
    /// End the session.
    End,
}
