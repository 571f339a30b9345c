//! x
use crate::store::{IndexEntry, IndexLogin, Indexed};
use crate::time::Timestamp;

/// Decides a [`Store::index_login`](crate::Store::index_login), for stores that can do so in their
/// own process.
///
/// Call it once the entries in `replacing` are removed. `revoked_before` is the latest moment given
/// to [`revoke_before`](crate::Store::revoke_before), `is_indexed` says whether the session has an
/// entry, and `others` are the principal's other entries.
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
    let others: Vec<IndexEntry> = others.take(login.max_listed()).collect();
    if others.len() < limit { Indexed::Done } else { Indexed::Full(others) }
}

