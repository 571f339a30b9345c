//! Cloakroom's SQLite store as it is opened unless told otherwise: durable.

use std::path::Path;
use std::sync::Arc;

use cloakroom::{
    Clock as _, Inserted, Key, KindTag, Lifetime, Payload, Record, Revision, Secret, SessionId, Store as _,
    Stored, Swap, SystemClock, Verifier, protocol,
};
use cloakroom_sqlite::SqliteStore;

use crate::child::{Contender, Failure};
use crate::visitor::{self, Visitor};

/// The only setup there is.
pub(crate) const DURABLE: &str = "durable";

#[derive(Clone, Debug)]
pub(crate) struct Cloakroom {
    store: Arc<SqliteStore>,
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

impl Cloakroom {
    /// The record of a write made now. A manager would change the one it read; a store can't tell the two apart.
    fn record(&self, visitor: &Visitor, revision: Revision) -> Result<Record, Failure> {
        let payload = Payload::from_bytes(serde_json::to_vec(visitor)?);
        let now = SystemClock.now();
        Ok(protocol::begin(self.verifier, Lifetime::default(), None, payload, revision, now))
    }
}

impl Contender for Cloakroom {
    type Session = Held;

    async fn open(file: &Path, setup: &str) -> Result<Self, Failure> {
        match setup {
            DURABLE => {
                let key = Key::new(id(0), Secret::from_bytes([0; 16]));
                let store = Arc::new(SqliteStore::open(file)?);
                Ok(Self { store, verifier: key.verifier(KindTag::of("")) })
            }
            other => Err(format!("no setup is called `{other}`").into()),
        }
    }

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
        let Some(Stored::Live(record)) = self.store.get(id).await? else {
            return Err("a session is gone".into());
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
