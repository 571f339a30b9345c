//! The hand-written baseline: the same facts per session, and nothing else that a library needs.
//!
//! An entry is one allocation with its value inline, in a sharded table. It checks no key and no
//! deadline and has no bound.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, PoisonError, RwLock};

use cloakroom::time::{Clock as _, SystemClock};

use super::contender::{Contender, Way};
use crate::Failure;
use crate::visitor::{IdHasher, Visitor, id};

/// Half a day in milliseconds.
const IDLE: u64 = 12 * 3_600_000;

/// The facts of cloakroom's record.
#[derive(Clone)]
#[expect(dead_code, reason = "the facts are only kept")]
struct Entry {
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
    fn new(number: usize) -> Self {
        let now = SystemClock.now().as_millis();
        Self {
            verifier: [id(number), id(number)].concat().try_into().unwrap_or_default(),
            idle_deadline: now + IDLE,
            absolute_deadline: now + 2 * IDLE,
            created: now,
            signed_in: 0,
            renewal_due: now + IDLE / 2,
            cookie_until: now + 2 * IDLE,
            revision: [1, number as u64],
            lifetime: [IDLE, 2 * IDLE, IDLE / 2],
            is_persistent: true,
            assurance: 0,
            principal: None,
            client: None,
            value: Visitor::new(number),
        }
    }
}

type Table = HashMap<u128, Arc<Entry>, BuildHasherDefault<IdHasher>>;

pub(super) struct Baseline([RwLock<Table>; 64]);

impl Baseline {
    /// The shard and the id of the session with this number.
    fn place(&self, number: usize) -> (&RwLock<Table>, u128) {
        let id = u128::from_be_bytes(id(number));
        (&self.0[(id >> 122) as usize], id)
    }

    fn insert(&self, number: usize) {
        let (shard, id) = self.place(number);
        let mut table = shard.write().unwrap_or_else(PoisonError::into_inner);
        table.insert(id, Arc::new(Entry::new(number)));
    }

    fn get(&self, number: usize) -> Result<Arc<Entry>, Failure> {
        let (shard, id) = self.place(number);
        let table = shard.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(table.get(&id).ok_or("a session is gone")?))
    }

    /// Replaces the entry with the revision before; false if another write came first.
    fn swap(&self, number: usize, next: Entry) -> bool {
        let next = Arc::new(next);
        let (shard, id) = self.place(number);
        let mut table = shard.write().unwrap_or_else(PoisonError::into_inner);
        match table.get_mut(&id) {
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

impl Contender for Baseline {
    fn open(_: usize) -> Result<Self, Failure> {
        Ok(Self(std::array::from_fn(|_| RwLock::default())))
    }

    async fn begin(&mut self, number: usize) -> Result<(), Failure> {
        self.insert(number);
        Ok(())
    }

    async fn read(&self, _: Way, number: usize) -> Result<u64, Failure> {
        Ok(self.get(number)?.value.visits)
    }

    async fn update(&self, _: Way, number: usize) -> Result<(), Failure> {
        loop {
            let mut next = Entry::clone(&*self.get(number)?);
            next.value.visits += 1;
            next.revision = next.revision.map(|half| half + 1);
            next.idle_deadline = SystemClock.now().as_millis() + IDLE;
            if self.swap(number, next) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_over_a_newer_revision_is_refused() {
        let baseline = Baseline::open(1).unwrap();
        baseline.insert(7);
        let mut next = Entry::clone(&baseline.get(7).unwrap());
        next.revision[0] += 1;
        assert!(baseline.swap(7, next.clone()));
        assert!(!baseline.swap(7, next));
    }
}
