//! Which sessions a principal is signed in on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
/// About how many bytes an entry or a revocation takes, apart from the principal's name.
const ENTRY: usize = 192;
/// How many entries a sweep checks before it releases the lock for a moment.
const SLICE: usize = 512;

/// A principal index in memory, for a [`Store`](crate::Store) that keeps it in its own process.
///
/// It answers four methods of the contract; [`MemoryStore`](crate::MemoryStore) uses it. A store
/// whose processes share an engine uses [`derive_index!`](crate::derive_index) instead.
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
    /// About how many bytes all of it takes.
    bytes: usize,
}

/// By how many bytes a change made the index grow, and by how many it made it shrink.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) grown: usize,
    pub(super) freed: usize,
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
        self.lock(&login.principal).index_login(login)
    }

    /// The same, after removing a few expired entries from this principal's shard.
    pub(super) fn index_login_at(&self, login: IndexLogin, now: Timestamp) -> (Indexed, Change) {
        self.lock(&login.principal).counted(|shard| {
            let last_checked = shard.last_checked.take();
            shard.last_checked = shard.remove_expired(last_checked, CHECKED_PER_LOGIN, now);
            shard.index_login(login)
        })
    }

    /// About how many bytes a sign-in adds to the index.
    pub(super) fn bytes_for(&self, login: &IndexLogin) -> usize {
        let key = (login.principal.clone(), login.id);
        let is_known = self.lock(&login.principal).entries.contains_key(&key);
        if is_known { 0 } else { bytes_of(&login.principal) }
    }

    /// The answer to [`Store::revoke_before`](crate::Store::revoke_before).
    pub fn revoke_before(&self, principal: &Principal, before: Timestamp, until: Timestamp) {
        self.lock(principal).revoke_before(principal, before, until);
    }

    /// The same, and what it changed.
    pub(super) fn revoke_before_counted(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Change {
        self.lock(principal).counted(|shard| shard.revoke_before(principal, before, until)).1
    }

    /// The answer to [`Store::erase`](crate::Store::erase).
    pub fn erase(&self, principal: &Principal, ended: &[PublicId], until: Timestamp) {
        self.lock(principal).erase(principal, ended, until);
    }

    /// The same, and what it changed.
    pub(super) fn erase_counted(
        &self,
        principal: &Principal,
        ended: &[PublicId],
        until: Timestamp,
    ) -> Change {
        self.lock(principal).counted(|shard| shard.erase(principal, ended, until)).1
    }

    pub(super) fn remove(&self, principal: Principal, id: PublicId) -> Change {
        self.lock(&principal).counted(|shard| shard.remove(&(principal, id))).1
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
        self.sweep_counted(now);
    }

    /// The same, and what it freed.
    pub(super) fn sweep_counted(&self, now: Timestamp) -> Change {
        let mut freed = 0;
        for shard in &self.shards {
            let mut last = None;
            loop {
                let (next, change) =
                    lock(shard).counted(|shard| shard.remove_expired(last, SLICE, now));
                freed += change.freed;
                last = next;
                if last.is_none() {
                    break;
                }
            }
            freed += lock(shard).counted(|shard| shard.remove_expired_revocations(now)).1.freed;
        }
        Change { grown: 0, freed }
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
    /// What a change did to the size.
    fn counted<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> (T, Change) {
        let before = self.bytes;
        let answer = change(self);
        let (grown, freed) = (self.bytes.saturating_sub(before), before.saturating_sub(self.bytes));
        (answer, Change { grown, freed })
    }

    fn index_login(&mut self, login: IndexLogin) -> Indexed {
        let indexed = self.judge(&login);
        if indexed == Indexed::Done {
            let IndexLogin { principal, id, kind, until, .. } = login;
            let size = bytes_of(&principal);
            match self.entries.entry((principal, id)) {
                Entry::Vacant(entry) => {
                    self.bytes += size;
                    entry.insert((kind, until));
                }
                Entry::Occupied(mut entry) => {
                    let (_, deadline) = entry.get_mut();
                    *deadline = (*deadline).max(until);
                }
            }
        }
        indexed
    }

    fn revoke_before(&mut self, principal: &Principal, before: Timestamp, until: Timestamp) {
        match self.revocations.entry(principal.clone()) {
            Entry::Vacant(entry) => {
                self.bytes += bytes_of(principal);
                entry.insert(Revocation { before, until });
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.before = known.before.max(before);
                known.until = known.until.max(until);
            }
        }
    }

    fn erase(&mut self, principal: &Principal, ended: &[PublicId], until: Timestamp) {
        for id in ended {
            self.remove(&(principal.clone(), *id));
        }
        if let Some(known) = self.revocations.get_mut(principal) {
            known.until = known.until.min(until);
        }
    }

    fn remove(&mut self, key: &EntryKey) {
        if self.entries.remove(key).is_some() {
            self.bytes -= bytes_of(&key.0);
        }
    }

    fn remove_expired_revocations(&mut self, now: Timestamp) {
        let bytes = &mut self.bytes;
        self.revocations.retain(|principal, known| {
            let stays = !known.until.has_passed(now);
            if !stays {
                *bytes -= bytes_of(principal);
            }
            stays
        });
    }

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
                self.remove(&key);
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
                self.remove(key);
            }
        }
        let at_end = checked.len() < count;
        checked.pop().filter(|_| !at_end).map(|(key, _)| key)
    }
}

/// About how many bytes an entry of this principal takes.
fn bytes_of(principal: &Principal) -> usize {
    ENTRY + principal.as_str().len()
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
