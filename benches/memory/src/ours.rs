//! Cloakroom's memory store, with typed values.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::{
    Clock as _, Key, Lifetime, MemoryStore, Record, Revision, Sessions, Store as _, Stored, Swap,
    SystemClock, protocol,
};

use crate::Failure;
use crate::contender::{Contender, Way};
use crate::visitor::Visitor;

pub(crate) struct Ours {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) sessions: Sessions<Visitor>,
    /// What the visitors hold.
    pub(crate) keys: Vec<Key>,
}

impl Ours {
    /// With room for so many keys, and for any number of sessions.
    pub(crate) fn unbounded(keys: usize) -> Result<Self, Failure> {
        Self::new(MemoryStore::bounded(usize::MAX, usize::MAX), keys)
    }

    pub(crate) fn new(store: MemoryStore, keys: usize) -> Result<Self, Failure> {
        let store = Arc::new(store);
        // So long that nothing is touched or renewed while it is measured.
        let lifetime = Lifetime::absolute(Duration::from_hours(24))
            .with_idle(Duration::from_hours(12))
            .with_renewal(Duration::from_hours(6));
        let sessions = Sessions::builder(Arc::clone(&store)).lifetime(lifetime).build()?;
        Ok(Self { store, sessions, keys: Vec::with_capacity(keys) })
    }

    /// A session as the store has it.
    async fn live(&self, number: usize) -> Result<Record, Failure> {
        match self.store.get(self.keys[number].id()).await? {
            Some(Stored::Live(record)) => Ok(record),
            _ => Err("a session is gone".into()),
        }
    }

    /// Compares and swaps, again if others were first. The value written is the one that was read: a typed value is made
    /// by the library, so what a new one costs is in [`Way::Whole`].
    async fn swap(&self, number: usize) -> Result<(), Failure> {
        let id = self.keys[number].id();
        let mut record = self.live(number).await?;
        loop {
            let expected = record.revision();
            let next = protocol::begin(
                record.credentials().current,
                *record.lifetime(),
                record.principal().cloned(),
                record.payload().clone(),
                Revision::new(expected.count() + 1, expected.token() + 1),
                SystemClock.now(),
            );
            match self.store.replace(id, expected, next).await? {
                Swap::Done => return Ok(()),
                Swap::Stale(newer) => record = newer,
                Swap::Gone => return Err("a session is gone".into()),
            }
        }
    }
}

impl Contender for Ours {
    fn open(sessions: usize) -> Result<Self, Failure> {
        Self::unbounded(sessions)
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
        Ok(self.sessions.of_key(&self.keys[number]).await?.visits)
    }

    async fn update(&self, way: Way, number: usize) -> Result<(), Failure> {
        if way == Way::Store {
            return self.swap(number).await;
        }
        let mut session = self.sessions.of_key(&self.keys[number]).await?;
        Ok(session.update(|visitor| visitor.visits += 1).await?)
    }

    fn keys(&self) -> usize {
        self.keys.capacity() * size_of::<Key>()
    }
}
