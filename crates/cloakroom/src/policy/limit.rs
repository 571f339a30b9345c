//! How many sessions one principal may have.

use crate::key::PublicId;
use crate::time::Timestamp;

/// How many sessions a principal may be signed in on at a time (OWASP, "Simultaneous Session Logons").
///
/// Exact, also while logins run concurrently on several nodes: once a login has answered, no more sessions than these are
/// signed in, and each of them is listed. A session that ended or expired does not count. (Of logins on three nodes in
/// the same instant each may displace the next: fewer are left then, never more.) Sessions of other kinds on the same
/// store count too.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionLimit, SessionMap, Sessions};
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).limit(SessionLimit::end_oldest(3)).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimit {
    most: u8,
    refuses: bool,
}

impl SessionLimit {
    /// At most `most`: another login ends the session that was signed in first, whose typed_value is told why.
    ///
    /// The oldest is ended before the new one is entered: should the store fail right then, one session fewer remains.
    pub const fn end_oldest(most: u8) -> Self {
        Self { most, refuses: false }
    }

    /// At most `most`: another login is [`ErrorKind::TooManySessions`](crate::ErrorKind::TooManySessions).
    pub const fn reject_new(most: u8) -> Self {
        Self { most, refuses: true }
    }

    /// How many.
    pub const fn max(self) -> u8 {
        self.most
    }

    /// Which of a full directory's sessions make room: each given with when its visitor signed in, if it lives.
    /// `None` if none may.
    pub(crate) fn make_room(self, seen: &[(PublicId, Option<Timestamp>)]) -> Option<Vec<PublicId>> {
        let mut live: Vec<(Timestamp, PublicId)> =
            seen.iter().filter_map(|(id, signed_in)| Some(((*signed_in)?, *id))).collect();
        let excess = (live.len() + 1).saturating_sub(usize::from(self.most));
        if self.refuses && excess > 0 {
            return None;
        }
        live.sort_unstable();
        live.truncate(excess);
        Some(live.into_iter().map(|(_, id)| id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(signed_in: &[Option<u64>]) -> Vec<(PublicId, Option<Timestamp>)> {
        let id = |number| PublicId::from_bytes([number; 16]);
        (0..).map(id).zip(signed_in.iter().map(|at| at.map(Timestamp::from_millis))).collect()
    }

    fn displaced(limit: SessionLimit, signed_in: &[Option<u64>]) -> Option<Vec<u8>> {
        Some(limit.make_room(&seen(signed_in))?.iter().map(|id| id.as_bytes()[0]).collect())
    }

    #[test]
    fn the_first_signed_in_goes_and_no_more_than_must() {
        let limit = SessionLimit::end_oldest(3);
        assert_eq!(displaced(limit, &[Some(5), Some(2), Some(9)]), Some(vec![1]));
        assert_eq!(displaced(limit, &[Some(5), None, Some(9)]), Some(vec![]));
        assert_eq!(displaced(limit, &[Some(5), Some(4), Some(3), Some(2), None]), Some(vec![3, 2]));
        assert_eq!(displaced(SessionLimit::end_oldest(1), &[Some(1)]), Some(vec![0]));
    }

    #[test]
    fn who_refuses_ends_nobody() {
        let limit = SessionLimit::reject_new(2);
        assert_eq!(displaced(limit, &[Some(5), Some(2)]), None);
        assert_eq!(displaced(limit, &[Some(5), None]), Some(vec![]));
    }
}
