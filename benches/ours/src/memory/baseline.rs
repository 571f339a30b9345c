//! The hand-written baseline: the same facts per session, and nothing else that a library needs.
//!
//! An entry is one allocation with its value inline, in a sharded table. It checks no key and no
//! deadline and has no bound.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cloakroom::time::{Clock as _, SystemClock};
use hashbrown::HashMap;

use super::contender::{Contender, Way};
use crate::Failure;
use crate::visitor::{Visitor, id};

/// Half a day in milliseconds.
const IDLE: u64 = 12 * 3_600_000;

/// The facts of cloakroom's record.
#[derive(Clone)]
#[expect(dead_code, reason = "the facts are only kept")]
pub(super) struct Entry {
    verifier: [u8; 32],
    idle_deadline: u64,
    absolute_deadline: u64,
    created: u64,
    signed_in: u64,
    renewal_due: u64,
    cookie_until: u64,
    revision: [u64; 2],
    lifetime: [u64; 3],
    is_persistent: bool,
    assurance: u8,
    principal: Option<Arc<str>>,
    client: Option<Arc<str>>,
    value: Visitor,
}

impl Entry {
    pub(super) fn new(number: usize, idle: u64) -> Self {
        let now = SystemClock.now().as_millis();
        Self {
            verifier: [id(number), id(number)].concat().try_into().unwrap_or_default(),
            idle_deadline: now + idle,
            absolute_deadline: now + 2 * IDLE,
            created: now,
            signed_in: 0,
            renewal_due: now + IDLE / 2,
            cookie_until: now + 2 * IDLE,
            revision: [1, number as u64],
            lifetime: [idle, 2 * IDLE, IDLE / 2],
            is_persistent: true,
            assurance: 0,
            principal: None,
            client: None,
            value: Visitor::new(number),
        }
    }

    const fn has_expired(&self, now: u64) -> bool {
        self.idle_deadline <= now || self.absolute_deadline <= now
    }
}

type Table = HashMap<[u8; 16], Arc<Entry>, BuildHasherDefault<IdHasher>>;

pub struct Baseline<const SHARDS: usize> {
    shards: [RwLock<Table>; SHARDS],
    /// The next shard to sweep.
    sweeping: AtomicUsize,
}

impl<const SHARDS: usize> Baseline<SHARDS> {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()), sweeping: AtomicUsize::new(0) }
    }

    pub(super) fn insert(&self, number: usize, entry: Entry) {
        self.write(id(number)).insert(id(number), Arc::new(entry));
    }

    pub(super) fn get(&self, number: usize) -> Option<Arc<Entry>> {
        self.table(id(number)).get(&id(number)).cloned()
    }

    /// Sweeps one whole shard under its lock: how many entries were removed, and whether it was the
    /// last shard.
    pub(super) fn sweep(&self, now: u64) -> (usize, bool) {
        let turn = self.sweeping.fetch_add(1, Ordering::Relaxed);
        let mut table = self.shards[turn % SHARDS].write().unwrap_or_else(PoisonError::into_inner);
        let before = table.len();
        table.retain(|_, entry| !entry.has_expired(now));
        (before - table.len(), turn + 1 == SHARDS)
    }

    fn shard(&self, id: [u8; 16]) -> &RwLock<Table> {
        &self.shards[usize::from(id[0]) * SHARDS / 256]
    }

    fn table(&self, id: [u8; 16]) -> RwLockReadGuard<'_, Table> {
        self.shard(id).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, id: [u8; 16]) -> RwLockWriteGuard<'_, Table> {
        self.shard(id).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the entry with the revision before; false if another write came first.
    fn swap(&self, number: usize, next: Entry) -> bool {
        let next = Arc::new(next);
        let mut table = self.write(id(number));
        match table.get_mut(&id(number)) {
            Some(present) if present.revision[0] + 1 == next.revision[0] => {
                let old = std::mem::replace(present, next);
                drop(table);
                drop(old);
                true
            }
            _ => false,
        }
    }
}

impl Contender for Baseline<64> {
    fn open(_: usize) -> Result<Self, Failure> {
        Ok(Self::new())
    }

    async fn begin(&mut self, number: usize) -> Result<(), Failure> {
        self.insert(number, Entry::new(number, IDLE));
        Ok(())
    }

    async fn read(&self, _: Way, number: usize) -> Result<u64, Failure> {
        Ok(self.get(number).ok_or("a session is gone")?.value.visits)
    }

    async fn update(&self, _: Way, number: usize) -> Result<(), Failure> {
        loop {
            let present = self.get(number).ok_or("a session is gone")?;
            let mut next = Entry::clone(&present);
            next.value.visits += 1;
            next.revision = next.revision.map(|half| half + 1);
            next.idle_deadline = SystemClock.now().as_millis() + IDLE;
            if self.swap(number, next) {
                return Ok(());
            }
        }
    }
}

/// Ids are random, so their bytes are their hash.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((_, tail)) = bytes.split_last_chunk::<8>() {
            self.0 = u64::from_le_bytes(*tail);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_over_a_newer_revision_is_refused() {
        let baseline = Baseline::<4>::new();
        baseline.insert(7, Entry::new(7, IDLE));
        let mut next = Entry::clone(&baseline.get(7).unwrap());
        next.revision[0] += 1;
        assert!(baseline.swap(7, next.clone()));
        assert!(!baseline.swap(7, next));
    }

    #[test]
    fn a_sweep_takes_what_has_expired_and_nothing_else() {
        let baseline = Baseline::<4>::new();
        for number in 0..100 {
            baseline.insert(number, Entry::new(number, if number % 2 == 0 { 1 } else { IDLE }));
        }
        let now = SystemClock.now().as_millis() + 1_000;
        let swept: Vec<_> = (0..4).map(|_| baseline.sweep(now)).collect();
        assert_eq!(swept.iter().map(|(count, _)| count).sum::<usize>(), 50);
        assert_eq!(
            swept.iter().map(|(_, last)| *last).collect::<Vec<_>>(),
            [false, false, false, true]
        );
        assert!(baseline.get(0).is_none() && baseline.get(1).is_some());
    }
}
