//! The limit: the same facts per session, and nothing else that a library needs.
//!
//! One allocation for an entry with its value inline, a table in shards, no check of a key, no deadline looked at, no bound.
//! No library can be much leaner; what one costs more is what it does more.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cloakroom::{Clock as _, SystemClock};
use hashbrown::HashMap;

use crate::Failure;
use crate::contender::{Contender, Way};
use crate::visitor::{Visitor, id};

/// Milliseconds of half a day.
const IDLE: u64 = 12 * 3_600_000;

/// All that cloakroom's record knows of a session.
#[derive(Clone)]
#[allow(dead_code, reason = "what is there to be kept")]
pub(crate) struct Entry {
    verifier: [u8; 32],
    idle_deadline: u64,
    absolute_deadline: u64,
    created: u64,
    signed_in: u64,
    renewal_due: u64,
    cookie_until: u64,
    revision: [u64; 2],
    lifetime: [u64; 3],
    outlives_browser: bool,
    assurance: u8,
    principal: Option<Arc<str>>,
    client: Option<Arc<str>>,
    value: Visitor,
}

impl Entry {
    pub(crate) fn new(number: usize, idle: u64) -> Self {
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
            outlives_browser: true,
            assurance: 0,
            principal: None,
            client: None,
            value: Visitor::new(number),
        }
    }

    const fn is_over(&self, now: u64) -> bool {
        self.idle_deadline <= now || self.absolute_deadline <= now
    }
}

type Table = HashMap<[u8; 16], Arc<Entry>, BuildHasherDefault<IdHasher>>;

pub(crate) struct Limit<const SHARDS: usize> {
    shards: [RwLock<Table>; SHARDS],
    /// The shard that is swept next.
    sweeping: AtomicUsize,
}

impl<const SHARDS: usize> Limit<SHARDS> {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()), sweeping: AtomicUsize::new(0) }
    }

    pub(crate) fn insert(&self, number: usize, entry: Entry) {
        self.write(id(number)).insert(id(number), Arc::new(entry));
    }

    pub(crate) fn get(&self, number: usize) -> Option<Arc<Entry>> {
        self.table(id(number)).get(&id(number)).cloned()
    }

    /// Sweeps one shard whole under its lock; how many entries went, and whether it was the last.
    pub(crate) fn sweep(&self, now: u64) -> (usize, bool) {
        let turn = self.sweeping.fetch_add(1, Ordering::Relaxed);
        let mut table = self.shards[turn % SHARDS].write().unwrap_or_else(PoisonError::into_inner);
        let before = table.len();
        table.retain(|_, entry| !entry.is_over(now));
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

    /// Puts an entry in place of the one with the revision before; false if another was first.
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

impl Contender for Limit<64> {
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

    fn keys(&self) -> usize {
        0
    }
}

/// Ids look random already: their bytes are their hash.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

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
    fn a_write_on_an_old_revision_is_refused() {
        let limit = Limit::<4>::new();
        limit.insert(7, Entry::new(7, IDLE));
        let mut next = Entry::clone(&limit.get(7).unwrap());
        next.revision[0] += 1;
        assert!(limit.swap(7, next.clone()));
        assert!(!limit.swap(7, next));
    }

    #[test]
    fn a_sweep_takes_what_is_over_and_nothing_else() {
        let limit = Limit::<4>::new();
        for number in 0..100 {
            limit.insert(number, Entry::new(number, if number % 2 == 0 { 1 } else { IDLE }));
        }
        let now = SystemClock.now().as_millis() + 1_000;
        let swept: Vec<_> = (0..4).map(|_| limit.sweep(now)).collect();
        assert_eq!(swept.iter().map(|(count, _)| count).sum::<usize>(), 50);
        assert_eq!(swept.iter().map(|(_, last)| *last).collect::<Vec<_>>(), [false, false, false, true]);
        assert!(limit.get(0).is_none() && limit.get(1).is_some());
    }
}
