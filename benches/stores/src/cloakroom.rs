//! Any store of Cloakroom's; the bench of servers compiles this file too.

use std::sync::Arc;

use cloakroom::{
    Clock as _, Inserted, Key, KindTag, Lifetime, Payload, Recalled, Record, Revision, Secret, SessionId,
    Store, Stored, Swap, SystemClock, Verifier, protocol,
};

use crate::drive::{Contender, Failure};
use crate::visitor::{self, Visitor};

#[derive(Debug)]
pub(crate) struct Cloakroom<S> {
    store: Arc<S>,
    /// One for all sessions: a store never looks.
    verifier: Verifier,
}

/// A session as a request holds it: what was read, and its value.
#[derive(Debug)]
pub(crate) struct Held {
    id: SessionId,
    record: Record,
    visitor: Visitor,
}

impl<S: Store> Cloakroom<S> {
    pub(crate) fn new(store: S) -> Self {
        let key = Key::new(id(0), Secret::from_bytes([0; 16]));
        Self { store: Arc::new(store), verifier: key.verifier(KindTag::of("")) }
    }

    /// The record of a write made now. A manager would change the one it read; a store can't tell the two apart.
    fn record(&self, visitor: &Visitor, revision: Revision) -> Result<Record, Failure> {
        let payload = Payload::from_bytes(serde_json::to_vec(visitor)?);
        let now = SystemClock.now();
        Ok(protocol::begin(self.verifier, Lifetime::default(), None, payload, revision, now))
    }
}

impl<S> Clone for Cloakroom<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), verifier: self.verifier }
    }
}

impl<S: Store> Contender for Cloakroom<S> {
    type Session = Held;

    async fn create(&self, number: u32) -> Result<(), Failure> {
        let id = id(number);
        let record = self.record(&Visitor::new(number), Revision::new(1, 0))?;
        match self.store.insert(id, record).await? {
            Inserted::Done => Ok(()),
            Inserted::Taken => Err("a session is there already".into()),
        }
    }

    async fn load(&self, number: u32) -> Result<Held, Failure> {
        let id = id(number);
        let record = match self.store.recall(id).await? {
            Recalled::Fresh(Some(Stored::Live(record))) | Recalled::Remembered(record) => record,
            Recalled::Fresh(_) => return Err("a session is gone".into()),
        };
        let json = record.payload().to_bytes()?.ok_or("a session has no visitor")?;
        Ok(Held { id, visitor: serde_json::from_slice(&json)?, record })
    }

    async fn visit(&self, held: &mut Held) -> Result<bool, Failure> {
        let mut visitor = held.visitor.clone();
        visitor.visits += 1;
        let expected = held.record.revision();
        let revision = Revision::new(expected.count() + 1, visitor.visits);
        let record = self.record(&visitor, revision)?;
        match self.store.replace(held.id, expected, record.clone()).await? {
            Swap::Done => {
                (held.visitor, held.record) = (visitor, record);
                Ok(true)
            }
            Swap::Stale(_) | Swap::Gone => Err("somebody else wrote a session".into()),
        }
    }

    fn visits(held: &Held) -> u64 {
        held.visitor.visits
    }
}

fn id(number: u32) -> SessionId {
    SessionId::from_bytes(visitor::id(number).to_be_bytes())
}
