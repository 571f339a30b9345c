//! Which sessions a principal is signed in on.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::PublicId;
use crate::policy::Principal;
use crate::store::{IndexEntry as Seen, IndexLogin, Indexed, Page, judge_index_login};
use crate::time::Timestamp;

const SHARDS: usize = 16;
/// Entries that an admission looks over for some past their time.
const LOOK_OVER: usize = 8;
/// Entries that a sweep looks over before it gives the lock up for a moment.
const SLICE: usize = 512;

/// Which sessions a principal is signed in on: for a [`Store`](crate::Store) that keeps this in its own process.
///
/// Four methods of the contract are answered by one call each; see [`MemoryStore`](crate::MemoryStore), and the example
/// `store` for a store of one's own around it.
///
/// ```
/// # use cloakroom::{Principal, PublicId, Timestamp};
/// # use cloakroom::store::{IndexLogin, Indexed, Page};
/// # use cloakroom::stores::PrincipalIndex;
/// let (directory, alice) = (PrincipalIndex::new(), Principal::new("alice")?);
/// let id = PublicId::from_bytes([1; 16]);
/// assert_eq!(directory.index_login(IndexLogin::new(alice.clone(), id, Timestamp::NEVER)), Indexed::Done);
/// assert_eq!(directory.sessions_of(&alice, Page::first(10)), [id]);
/// # Ok::<(), cloakroom::policy::PrincipalError>(())
/// ```
pub struct PrincipalIndex {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

type IndexEntry = (Principal, PublicId);

/// One flat list, so that no step takes longer for somebody who is signed in on a great many sessions.
#[derive(Default)]
struct Shard {
    entries: BTreeMap<IndexEntry, Timestamp>,
    /// The entry that an admission looked over last.
    cursor: Option<IndexEntry>,
    revocations: BTreeMap<Principal, Revocation>,
}

/// Up to when a principal's sessions were revoked, and how long that must be known.
struct Revocation {
    before: Timestamp,
    until: Timestamp,
}

impl PrincipalIndex {
    /// An empty directory.
    pub fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }

    /// The answer to [`Store::index_login`](crate::Store::index_login).
    pub fn index_login(&self, admission: IndexLogin) -> Indexed {
        let mut shard = self.lock(&admission.principal);
        let admitted = shard.judge(&admission);
        if admitted == Indexed::Done {
            let IndexLogin { principal, id, until, .. } = admission;
            let entry = shard.entries.entry((principal, id)).or_insert(until);
            *entry = (*entry).max(until);
        }
        admitted
    }

    /// Removes a few entries past their time, of those beside this principal's.
    pub(super) fn look_over(&self, principal: &Principal, now: Timestamp) {
        let mut shard = self.lock(principal);
        let cursor = shard.cursor.take();
        shard.cursor = shard.look_over(cursor, LOOK_OVER, now);
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
    pub fn sessions_of(&self, principal: &Principal, page: Page) -> Vec<PublicId> {
        self.lock(principal)
            .of(principal, page.starts_after())
            .take(page.limit())
            .map(|seen| seen.id)
            .collect()
    }

    /// Removes all entries past their time: a part of [`Store::sweep`](crate::Store::sweep).
    pub fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut last = lock(shard).look_over(None, SLICE, now);
            while last.is_some() {
                last = lock(shard).look_over(last, SLICE, now);
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
    /// A principal's entries, by id.
    fn of<'a>(
        &'a self,
        principal: &'a Principal,
        after: Option<PublicId>,
    ) -> impl Iterator<Item = Seen> + 'a {
        let first = match after {
            Some(after) => Bound::Excluded((principal.clone(), after)),
            None => Bound::Included((principal.clone(), PublicId::from_bytes([0; 16]))),
        };
        let entries = self.entries.range((first, Bound::Unbounded));
        let theirs = entries.take_while(move |((whose, _), _)| whose == principal);
        theirs.map(|((_, id), until)| Seen::new(*id, *until))
    }

    /// Whether a session may be entered, once what it replaces is gone.
    fn judge(&mut self, admission: &IndexLogin) -> Indexed {
        let IndexLogin { principal, id, .. } = admission;
        for seen in &admission.replacing {
            let entry = (principal.clone(), seen.id);
            if self.entries.get(&entry) == Some(&seen.until) {
                self.entries.remove(&entry);
            }
        }
        let watermark = self.revocations.get(principal).map(|known| known.before);
        let is_entered = self.entries.contains_key(&(principal.clone(), *id));
        judge_index_login(admission, watermark, is_entered, self.of(principal, None))
    }

    /// Looks over `count` entries after this one; the last of them, or nothing if that was the end.
    fn look_over(
        &mut self,
        after: Option<IndexEntry>,
        count: usize,
        now: Timestamp,
    ) -> Option<IndexEntry> {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut seen: Vec<(IndexEntry, Timestamp)> = self
            .entries
            .range((first, Bound::Unbounded))
            .take(count)
            .map(|(entry, until)| (entry.clone(), *until))
            .collect();
        for (entry, until) in &seen {
            if until.has_passed(now) {
                self.entries.remove(entry);
            }
        }
        let at_end = seen.len() < count;
        seen.pop().filter(|_| !at_end).map(|(entry, _)| entry)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
