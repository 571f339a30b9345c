//! Which sessions a principal is signed in on.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use crate::key::SessionId;
use crate::principal::Principal;
use crate::store::{Admission, Page};
use crate::time::Timestamp;

const SHARDS: usize = 16;
/// Principals that an admission looks over for entries past their time.
const LOOK_OVER: usize = 4;

pub(super) struct Directory {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

/// Principals come from outside: hashed with a random key.
#[derive(Default)]
struct Shard {
    entries: IndexMap<Principal, BTreeMap<SessionId, Timestamp>>,
    cursor: usize,
}

impl Directory {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    fn lock(&self, principal: &Principal) -> MutexGuard<'_, Shard> {
        let hash = usize::try_from(self.hasher.hash_one(principal) % SHARDS as u64).unwrap_or(0);
        self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn admit(&self, admission: Admission, now: Timestamp) {
        let Admission { principal, id, until } = admission;
        let mut shard = self.lock(&principal);
        for _ in 0..LOOK_OVER {
            shard.look_over(now);
        }
        let entry = shard.entries.entry(principal).or_default().entry(id).or_insert(until);
        *entry = (*entry).max(until);
    }

    pub(super) fn remove(&self, principal: &Principal, id: SessionId) {
        let mut shard = self.lock(principal);
        if let Some(ids) = shard.entries.get_mut(principal) {
            ids.remove(&id);
            if ids.is_empty() {
                shard.entries.swap_remove(principal);
            }
        }
    }

    pub(super) fn ids_of(&self, principal: &Principal, page: Page) -> Vec<SessionId> {
        let shard = self.lock(principal);
        let after = page.starts_after().map_or(Bound::Unbounded, Bound::Excluded);
        shard.entries.get(principal).map_or_else(Vec::new, |ids| {
            ids.range((after, Bound::Unbounded)).take(page.limit()).map(|(id, _)| *id).collect()
        })
    }

    /// Removes all entries past their time.
    pub(super) fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for _ in 0..shard.entries.len() {
                shard.look_over(now);
            }
        }
    }
}

impl Shard {
    /// Looks over one principal, from the last to the first.
    fn look_over(&mut self, now: Timestamp) {
        if self.cursor == 0 || self.cursor > self.entries.len() {
            self.cursor = self.entries.len();
        }
        let Some(index) = self.cursor.checked_sub(1) else {
            return;
        };
        self.cursor = index;
        if let Some((_, ids)) = self.entries.get_index_mut(index) {
            ids.retain(|_, until| !until.has_passed(now));
            if ids.is_empty() {
                self.entries.swap_remove_index(index);
            }
        }
    }
}
