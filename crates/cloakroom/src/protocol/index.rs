//! Who can be entered in the principal index.

use super::is_over;
use crate::key::PublicId;
use crate::policy::{Principal, SessionLimit};
use crate::record::{Record, Revision, Stored};
use crate::store::{IndexEntry, IndexLogin, Indexed};
use crate::time::Timestamp;

/// One of a principal's sessions, as their limit sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the steps and by checkers only")]
pub struct Seat {
    /// The session.
    pub id: PublicId,
    /// When it was signed in on; `None` if it is over.
    pub signed_in: Option<Timestamp>,
    /// If it is bound to a device and only a proof can open it: the revision that was looked at.
    pub closed: Option<Revision>,
}

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
/// The oldest sign-ins go first, and no more of them than necessary. A limit that rejects the new
/// one ends only sessions that no one can open without a proof of their device: its key may be
/// lost.
pub fn make_room(limit: SessionLimit, sessions: &[Seat]) -> Option<Vec<PublicId>> {
    let is_live = |seat: &&Seat| seat.signed_in.is_some();
    let mut live: Vec<Seat> = sessions.iter().filter(is_live).copied().collect();
    let excess = (live.len() + 1).saturating_sub(usize::from(limit.max()));
    if limit.rejects_new() {
        live.retain(|seat| seat.closed.is_some());
        if live.len() < excess {
            return None;
        }
    }
    live.sort_unstable_by_key(|seat| (seat.signed_in, seat.id));
    live.truncate(excess);
    Some(live.into_iter().map(|seat| seat.id).collect())
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

    fn sessions(signed_in: &[Option<u64>]) -> Vec<Seat> {
        let seat = |(number, at): (u8, &Option<u64>)| Seat {
            id: PublicId::from_bytes([number; 16]),
            signed_in: at.map(Timestamp::from_millis),
            closed: None,
        };
        (0..).zip(signed_in).map(seat).collect()
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
    fn a_limit_that_rejects_new_sessions_ends_those_that_only_a_proof_can_open() {
        let mut seats = sessions(&[Some(5), Some(2), Some(9), None]);
        for closed in [0, 2] {
            seats[closed].closed = Some(Revision::new(1, 1));
        }
        let ended = |max| make_room(SessionLimit::reject_new(max), &seats);
        assert_eq!(ended(3), Some(vec![seats[0].id]));
        assert_eq!(ended(2), Some(vec![seats[0].id, seats[2].id]));
        assert_eq!(ended(1), None);
    }

    #[test]
    fn a_limit_that_rejects_new_sessions_ends_none() {
        let limit = SessionLimit::reject_new(2);
        assert_eq!(ended(limit, &[Some(5), Some(2)]), None);
        assert_eq!(ended(limit, &[Some(5), None]), Some(vec![]));
    }
}
