//! Who can be entered in the principal index.

use super::is_over;
use crate::key::PublicId;
use crate::policy::{Principal, SessionLimit};
use crate::record::{Record, Stored};
use crate::store::{IndexEntry, IndexLogin, Indexed};
use crate::time::Timestamp;

/// Decides a [`Store::index_login`](crate::Store::index_login), for stores that can do so in their
/// own process.
///
/// Call it once the entries in `replacing` are removed. `revoked_before` is the latest moment given
/// to [`revoke_before`](crate::Store::revoke_before), `is_indexed` says whether the session has an
/// entry, and `others` are the principal's other entries, of any kind.
pub fn judge_index_login(
    login: &IndexLogin,
    revoked_before: Option<Timestamp>,
    is_indexed: bool,
    others: impl Iterator<Item = IndexEntry>,
) -> Indexed {
    if revoked_before.is_some_and(|before| login.authenticated_at < before) {
        return Indexed::Revoked;
    }
    let Some(limit) = login.limit.filter(|_| !is_indexed) else { return Indexed::Done };
    let counted = others.filter(|entry| entry.is_of(login.counted));
    let others: Vec<IndexEntry> = counted.take(login.max_listed()).collect();
    if others.len() < limit { Indexed::Done } else { Indexed::Full(others) }
}

/// Which of a principal's sessions to end so that one more can be signed in; `None` if the limit
/// rejects the new one instead.
///
/// Each session comes with the time of its sign-in, or `None` if it has ended. The oldest sign-ins
/// go first, and no more of them than necessary.
pub fn make_room(
    limit: SessionLimit,
    sessions: &[(PublicId, Option<Timestamp>)],
) -> Option<Vec<PublicId>> {
    let mut live: Vec<(Timestamp, PublicId)> =
        sessions.iter().filter_map(|(id, signed_in)| Some(((*signed_in)?, *id))).collect();
    let excess = (live.len() + 1).saturating_sub(usize::from(limit.max()));
    if limit.rejects_new() && excess > 0 {
        return None;
    }
    live.sort_unstable();
    live.truncate(excess);
    Some(live.into_iter().map(|(_, id)| id).collect())
}

/// The record, if it is of a session that is live at `now` and on which `principal` is signed in.
///
/// An entry of the index can be left over from a sign-in that lost the session to another
/// principal's.
pub(crate) fn live_record_of(
    stored: Option<Stored>,
    principal: &Principal,
    now: Timestamp,
) -> Option<Record> {
    match stored {
        Some(Stored::Live(record))
            if record.principal() == Some(principal) && !is_over(&record, now) =>
        {
            Some(record)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(signed_in: &[Option<u64>]) -> Vec<(PublicId, Option<Timestamp>)> {
        let id = |number| PublicId::from_bytes([number; 16]);
        (0..).map(id).zip(signed_in.iter().map(|at| at.map(Timestamp::from_millis))).collect()
    }

    fn ended(limit: SessionLimit, signed_in: &[Option<u64>]) -> Option<Vec<u8>> {
        Some(make_room(limit, &sessions(signed_in))?.iter().map(|id| id.as_bytes()[0]).collect())
    }

    #[test]
    fn the_oldest_sign_ins_are_ended_and_no_more_than_necessary() {
        let limit = SessionLimit::end_oldest(3);
        assert_eq!(ended(limit, &[Some(5), Some(2), Some(9)]), Some(vec![1]));
        assert_eq!(ended(limit, &[Some(5), None, Some(9)]), Some(vec![]));
        assert_eq!(ended(limit, &[Some(5), Some(4), Some(3), Some(2), None]), Some(vec![3, 2]));
        assert_eq!(ended(SessionLimit::end_oldest(1), &[Some(1)]), Some(vec![0]));
    }

    #[test]
    fn a_limit_that_rejects_new_sessions_ends_none() {
        let limit = SessionLimit::reject_new(2);
        assert_eq!(ended(limit, &[Some(5), Some(2)]), None);
        assert_eq!(ended(limit, &[Some(5), None]), Some(vec![]));
    }
}
