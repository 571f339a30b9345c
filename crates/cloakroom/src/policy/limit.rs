//! How many sessions one principal can have.

/// How many sessions a principal can be signed in on at once (OWASP Session Management Cheat Sheet,
/// "Simultaneous Session Logons"; Spring Security calls it concurrent-session control).
///
/// The limit is exact, even while logins run at the same time on several nodes: once a login has
/// answered, no more than this many sessions are signed in. Sessions that ended or expired do not
/// count, nor do those of other [kinds](crate::SessionKind), unless the limit is
/// [`across_kinds`](Self::across_kinds). If three nodes log a principal in at the
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
    across_kinds: bool,
}

impl SessionLimit {
    /// At most `max` sessions: one more login ends the session with the oldest sign-in, whose
    /// client is told the reason ([`EndReason::OverLimit`](crate::record::EndReason::OverLimit)).
    ///
    /// The oldest session is ended before the new one is signed in. If the store fails between the
    /// two, one session fewer remains.
    pub const fn end_oldest(max: u8) -> Self {
        Self { max, rejects_new: false, across_kinds: false }
    }

    /// At most `max` sessions: one more login fails with
    /// [`ErrorKind::TooManySessions`](crate::ErrorKind::TooManySessions).
    ///
    /// A session that is bound to a device, and that only a proof could open now, gives way all the
    /// same: the device's key may be lost. See [`DeviceBinding`](crate::policy::DeviceBinding).
    pub const fn reject_new(max: u8) -> Self {
        Self { max, rejects_new: true, across_kinds: false }
    }

    /// The same limit for the principal's sessions of every kind on the store together: at
    /// [`end_oldest`](Self::end_oldest) the oldest ends, whatever its kind.
    ///
    /// It applies to logins of the kind whose policy has it. Give it to every kind on the store.
    #[must_use = "the changed limit is returned"]
    pub const fn across_kinds(mut self) -> Self {
        self.across_kinds = true;
        self
    }

    /// The maximum number of sessions.
    pub const fn max(self) -> u8 {
        self.max
    }

    pub(crate) const fn is_across_kinds(self) -> bool {
        self.across_kinds
    }

    pub(crate) const fn rejects_new(self) -> bool {
        self.rejects_new
    }
}
