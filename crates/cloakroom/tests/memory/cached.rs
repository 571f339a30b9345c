//! `CachedStore`.

use std::sync::Arc;

use cloakroom::stores::CachedStore;
use cloakroom::{Key, MemoryStore, SessionValue};
use cloakroom_testkit::{TestSessions, block_on};

use crate::fill::{Taken, fill, report};
use crate::meter::{alone, memory_of};
use crate::values::{Visit, each};

/// Decoding takes time.
const BOUND_OF_READS: usize = 1 << 20;
const BOUND_OF_WRITES: usize = 4 << 20;
/// Of lists. The cache keeps a thirty-second of its bound in each of its parts.
const LENGTH: usize = 90;

/// The sessions that the cache is filled with were written through it, or read.
struct Fill {
    bound: usize,
    reads: bool,
    taken: Vec<Taken>,
}

impl Visit for Fill {
    fn visit<V: SessionValue>(&mut self, name: &str, make: impl Fn(usize) -> V) {
        // It shares nothing with the cache in front of it.
        let store = MemoryStore::bounded(usize::MAX, usize::MAX).with_encoded_values();
        let store = Arc::new(store);
        let direct = TestSessions::<V>::new(Arc::clone(&store));
        let cache = CachedStore::builder(Arc::clone(&store)).capacity_bytes(self.bound as u64);
        let cache = Arc::new(block_on(cache.build()).unwrap());
        let test = TestSessions::<V>::new(Arc::clone(&cache));
        let read = async |key: &Key| {
            let session = test.sessions.request_session().session(&test.request(key)).await;
            assert!(session.unwrap().exists());
        };
        fill(
            async |number| {
                let through = if self.reads { &direct } else { &test };
                let session = through.sessions.generate(make(number)).await.unwrap();
                let key = session.key().unwrap().clone();
                drop(session);
                if self.reads {
                    read(&key).await;
                    read(&key).await;
                }
            },
            || cache.len(),
        );
        drop((test, direct));
        let (name, sessions) = (name.to_owned(), cache.len());
        self.taken.push(Taken { name, sessions, bytes: memory_of(cache) });
    }
}

#[test]
fn what_was_read_takes_no_more_than_the_bound() {
    let _alone = alone();
    let mut fill = Fill { bound: BOUND_OF_READS, reads: true, taken: Vec::new() };
    each(LENGTH, &mut fill);
    report("CachedStore, reads", fill.bound, &fill.taken);
}

#[test]
fn what_was_written_takes_no_more_than_the_bound() {
    let _alone = alone();
    let mut fill = Fill { bound: BOUND_OF_WRITES, reads: false, taken: Vec::new() };
    each(LENGTH, &mut fill);
    report("CachedStore, writes", fill.bound, &fill.taken);
}
