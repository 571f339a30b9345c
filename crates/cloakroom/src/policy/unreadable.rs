//! What to do with a session that cannot be read.

/// What to do with a session that cannot be read.
///
/// Either another version of the application wrote it, as happens while a new one is rolled out, or
/// it is damaged. The record is never overwritten, whatever the policy. If another version wrote
/// it, the client keeps its key, too: with the last two policies as with the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadablePolicy {
    /// Let the client keep its key: reads find no session
    /// ([`NoSession::Unreadable`](crate::NoSession::Unreadable)), and writes other than a sign-in
    /// fail with [`ErrorKind::Unreadable`](crate::ErrorKind::Unreadable), a 503.
    #[default]
    Keep,
    /// Answer every request with [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
    Refuse,
    /// Treat a request for a damaged session as one without a session, and keep the record until it
    /// expires.
    SetAside,
    /// End a damaged session.
    End,
}
