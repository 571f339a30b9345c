//! How many sessions one principal can have.

/// How many sessions a principal can be signed in on at once (OWASP Session Management Cheat Sheet,
/// "Simultaneous Session Logons"; Spring Security calls it concurrent-session control).
///
/// The limit is exact, even while logins run at the same time on several nodes: once a login has
/// answered, no more than this many sessions are signed in. Sessions that ended or expired do not
/// count; sessions of other kinds on the same store do. If three nodes log a principal in at the
/// same instant, each login can end the next one's session, which leaves fewer than the limit.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionLimit, SessionMap, Sessions};
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).limit(SessionLimit::end_oldest(3)).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimit {
    max: u8,
    rejects_new: bool,
}

impl SessionLimit {
    /// At most `max` sessions: one more login ends the session with the oldest sign-in, whose
    /// client is told the reason ([`EndReason::OverLimit`](crate::record::EndReason::OverLimit)).
    ///
    /// The oldest session is ended before the new one is signed in. If the store fails between the
    /// two, one session fewer remains.
    pub const fn end_oldest(max: u8) -> Self {
        Self { max, rejects_new: false }
    }

    /// At most `max` sessions: one more login fails with
    /// [`ErrorKind::TooManySessions`](crate::ErrorKind::TooManySessions).
    pub const fn reject_new(max: u8) -> Self {
        Self { max, rejects_new: true }
    }

    /// The maximum number of sessions.
    pub const fn max(self) -> u8 {
        self.max
    }

    pub(crate) const fn rejects_new(self) -> bool {
        self.rejects_new
    }
}
