//! Cloakroom's memory store with typed values.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::time::{Clock as _, SystemClock};
use cloakroom::{Key, Lifetime, MemoryStore, Sessions, Store as _, protocol};

use super::contender::{Contender, Way};
use crate::Failure;
use crate::visitor::Visitor;

pub(super) struct Ours {
    store: Arc<MemoryStore>,
    sessions: Sessions<Visitor>,
    /// The keys that the visitors hold.
    keys: Vec<Key>,
}

impl Ours {
    async fn live(&self, number: usize) -> Result<Record, Failure> {
        match self.store.get(self.keys[number].id()).await? {
            Some(Stored::Live(record)) => Ok(record),
            _ => Err("a session is gone".into()),
        }
    }

    /// Compares and swaps, and tries again if another write came first. Writes the value that was
    /// read: the library makes new typed values, so their cost is in [`Way::Whole`].
    async fn swap(&self, number: usize) -> Result<(), Failure> {
        let id = self.keys[number].id();
        let mut record = self.live(number).await?;
        loop {
            let expected = record.revision();
            let next = protocol::begin(
                record.kind(),
                record.credentials().current,
                *record.lifetime(),
                record.principal().cloned(),
                record.payload().clone(),
                Revision::new(expected.count() + 1, expected.token() + 1),
                SystemClock.now(),
            );
            match self.store.replace(id, &record, next, SystemClock.now()).await? {
                Swap::Done => return Ok(()),
                Swap::Stale(newer) => record = newer,
                Swap::Gone => return Err("a session is gone".into()),
            }
        }
    }
}

impl Contender for Ours {
    fn open(number: usize) -> Result<Self, Failure> {
        let store = Arc::new(MemoryStore::bounded(usize::MAX, usize::MAX));
        // So long that no session is touched or renewed during the bench.
        let lifetime = Lifetime::absolute(Duration::from_hours(24))
            .with_idle_timeout(Duration::from_hours(12))
            .with_renewal_timeout(Duration::from_hours(6));
        let sessions = Sessions::builder(Arc::clone(&store)).lifetime(lifetime).build()?;
        Ok(Self { store, sessions, keys: Vec::with_capacity(number) })
    }

    async fn begin(&mut self, number: usize) -> Result<(), Failure> {
        let session = self.sessions.generate(Visitor::new(number)).await?;
        self.keys.push(session.key().ok_or("a new session has no key")?.clone());
        Ok(())
    }

    async fn read(&self, way: Way, number: usize) -> Result<u64, Failure> {
        if way == Way::Store {
            let record = self.live(number).await?;
            return Ok(u64::from(black_box(record.payload()).is_unset()));
        }
        Ok(self.sessions.of_key(&self.keys[number]).await?.value().visits)
    }

    async fn update(&self, way: Way, number: usize) -> Result<(), Failure> {
        if way == Way::Store {
            return self.swap(number).await;
        }
        let mut session = self.sessions.of_key(&self.keys[number]).await?;
        Ok(session.update(|visitor| visitor.visits += 1).await?)
    }

    fn overhead(&self) -> usize {
        self.keys.capacity() * size_of::<Key>()
    }
}
