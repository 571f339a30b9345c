//! Which sessions a principal is signed in on.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::protocol::judge_index_login;
use crate::store::{IndexEntry, IndexLogin, Indexed, Page};
use crate::time::Timestamp;

const SHARDS: usize = 16;
/// How many entries a sign-in checks for expired ones.
const CHECKED_PER_LOGIN: usize = 8;
/// How many entries a sweep checks before it releases the lock for a moment.
const SLICE: usize = 512;

/// A principal index in memory, for a [`Store`](crate::Store) that keeps it in its own process.
///
/// It answers four methods of the contract; [`MemoryStore`](crate::MemoryStore) uses it, and so
/// does the store in `examples/store`.
///
/// ```
/// # use cloakroom::{Principal, PublicId, Timestamp};
/// # use cloakroom::key::KindTag;
/// # use cloakroom::store::{IndexLogin, Indexed, Page};
/// # use cloakroom::stores::PrincipalIndex;
/// let (index, alice) = (PrincipalIndex::new(), Principal::new("alice")?);
/// let id = PublicId::from_bytes([1; 16]);
/// let login = IndexLogin::new(alice.clone(), id, KindTag::DEFAULT, Timestamp::NEVER);
/// assert_eq!(index.index_login(login), Indexed::Done);
/// assert_eq!(index.sessions_of(&alice, None, Page::first(10)), [id]);
/// # Ok::<(), cloakroom::policy::PrincipalError>(())
/// ```
pub struct PrincipalIndex {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

type EntryKey = (Principal, PublicId);

/// One flat list of entries, so that no step takes longer for a principal with many sessions.
#[derive(Default)]
struct Shard {
    entries: BTreeMap<EntryKey, (KindTag, Timestamp)>,
    /// The entry that a sign-in checked last.
    last_checked: Option<EntryKey>,
    revocations: BTreeMap<Principal, Revocation>,
}

/// The principal's sign-ins before a moment are refused.
struct Revocation {
    before: Timestamp,
    /// Until when the revocation is remembered.
    until: Timestamp,
}

impl PrincipalIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }

    /// The answer to [`Store::index_login`](crate::Store::index_login).
    pub fn index_login(&self, login: IndexLogin) -> Indexed {
        let mut shard = self.lock(&login.principal);
        let indexed = shard.judge(&login);
        if indexed == Indexed::Done {
            let IndexLogin { principal, id, kind, until, .. } = login;
            let (_, deadline) = shard.entries.entry((principal, id)).or_insert((kind, until));
            *deadline = (*deadline).max(until);
        }
        indexed
    }

    /// Removes a few expired entries from this principal's shard.
    pub(super) fn remove_some_expired(&self, principal: &Principal, now: Timestamp) {
        let mut shard = self.lock(principal);
        let last_checked = shard.last_checked.take();
        shard.last_checked = shard.remove_expired(last_checked, CHECKED_PER_LOGIN, now);
    }

    /// The answer to [`Store::revoke_before`](crate::Store::revoke_before).
    pub fn revoke_before(&self, principal: &Principal, before: Timestamp, until: Timestamp) {
        let mut shard = self.lock(principal);
        let known =
            shard.revocations.entry(principal.clone()).or_insert(Revocation { before, until });
        known.before = known.before.max(before);
        known.until = known.until.max(until);
    }

    pub(super) fn remove(&self, principal: Principal, id: PublicId) {
        self.lock(&principal).entries.remove(&(principal, id));
    }

    /// The answer to [`Store::sessions_of`](crate::Store::sessions_of).
    pub fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Vec<PublicId> {
        self.lock(principal)
            .entries_of(principal, page.starts_after())
            .filter(|entry| entry.is_of(kind))
            .take(page.limit())
            .map(|entry| entry.id)
            .collect()
    }

    /// Removes all expired entries and revocations: a part of
    /// [`Store::sweep`](crate::Store::sweep).
    pub fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut last = lock(shard).remove_expired(None, SLICE, now);
            while last.is_some() {
                last = lock(shard).remove_expired(last, SLICE, now);
            }
            lock(shard).revocations.retain(|_, known| !known.until.has_passed(now));
        }
    }

    fn lock(&self, principal: &Principal) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(principal) % SHARDS as u64;
        lock(&self.shards[usize::try_from(index).unwrap_or(0)])
    }
}

impl Default for PrincipalIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PrincipalIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalIndex").finish_non_exhaustive()
    }
}

impl Shard {
    /// A principal's entries in the order of ids, starting after `after`.
    fn entries_of<'a>(
        &'a self,
        principal: &'a Principal,
        after: Option<PublicId>,
    ) -> impl Iterator<Item = IndexEntry> + 'a {
        let first = match after {
            Some(after) => Bound::Excluded((principal.clone(), after)),
            None => Bound::Included((principal.clone(), PublicId::from_bytes([0; 16]))),
        };
        let entries = self.entries.range((first, Bound::Unbounded));
        let theirs = entries.take_while(move |((owner, _), _)| owner == principal);
        theirs.map(|((_, id), (kind, until))| IndexEntry::new(*id, *kind, *until))
    }

    /// Removes the entries that the sign-in replaces, and decides it.
    fn judge(&mut self, login: &IndexLogin) -> Indexed {
        let IndexLogin { principal, id, .. } = login;
        for replaced in &login.replacing {
            let key = (principal.clone(), replaced.id);
            if self.entries.get(&key).is_some_and(|(_, until)| *until == replaced.until) {
                self.entries.remove(&key);
            }
        }
        let revoked_before = self.revocations.get(principal).map(|known| known.before);
        let is_indexed = self.entries.contains_key(&(principal.clone(), *id));
        judge_index_login(login, revoked_before, is_indexed, self.entries_of(principal, None))
    }

    /// Checks `count` entries after this one and removes those that have expired. Returns the last
    /// entry it checked, or `None` at the end of the list.
    fn remove_expired(
        &mut self,
        after: Option<EntryKey>,
        count: usize,
        now: Timestamp,
    ) -> Option<EntryKey> {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut checked: Vec<(EntryKey, Timestamp)> = self
            .entries
            .range((first, Bound::Unbounded))
            .take(count)
            .map(|(key, (_, until))| (key.clone(), *until))
            .collect();
        for (key, until) in &checked {
            if until.has_passed(now) {
                self.entries.remove(key);
            }
        }
        let at_end = checked.len() < count;
        checked.pop().filter(|_| !at_end).map(|(key, _)| key)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
