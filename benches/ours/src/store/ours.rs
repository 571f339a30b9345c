//! Cloakroom's stores.

use std::sync::Arc;

use cloakroom::key::{KindTag, Secret, Verifier};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::{Inserted, Lookup, Swap};
use cloakroom::stores::CachedStore;
use cloakroom::time::{Clock as _, SystemClock};
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, PublicId, Store, protocol};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;

use super::Contender;
use crate::Failure;
use crate::visitor::{self, Visitor};

/// Cloakroom's store for a path or a URL; the setup is `default`, `near cache`, or
/// for PostgreSQL `table NAME` or `near cache NAME`.
#[derive(Clone)]
pub struct Ours {
    store: Arc<dyn Store>,
    /// The same for all sessions: a store never checks it.
    verifier: Verifier,
}

/// The record that was read, and its value.
pub struct Held {
    id: PublicId,
    record: Record,
    visitor: Visitor,
}

impl Ours {
    /// The record of a write made now. `Sessions` would change the record it read; a store cannot
    /// tell the two apart.
    fn record(&self, visitor: &Visitor, revision: Revision) -> Result<Record, Failure> {
        let payload = Payload::from_bytes(serde_json::to_vec(visitor)?);
        let now = SystemClock.now();
        let (kind, lifetime) = (KindTag::DEFAULT, Lifetime::default());
        Ok(protocol::begin(kind, self.verifier, lifetime, None, payload, revision, now))
    }
}

impl Contender for Ours {
    type Session = Held;

    async fn open(place: &str, setup: &str) -> Result<Self, Failure> {
        let scheme = place.split_once("://").map(|(scheme, _)| scheme);
        let store: Arc<dyn Store> = match (scheme, setup) {
            (None, "default") => Arc::new(SqliteStore::open(place)?),
            (Some("postgres"), "default") => Arc::new(PostgresStore::connect(place).await?),
            (Some("postgres"), setup) => {
                let (cached, table) = match setup.rsplit_once(' ') {
                    Some(("table", table)) => (false, table),
                    Some(("near cache", table)) => (true, table),
                    _ => return Err(format!("no setup is called `{setup}`").into()),
                };
                let store = PostgresStore::builder(place).table(table).connect().await?;
                if cached {
                    Arc::new(CachedStore::builder(store).build().await?)
                } else {
                    Arc::new(store)
                }
            }
            (Some("redis"), "default") => Arc::new(RedisStore::connect(place).await?),
            (Some("redis"), "near cache") => {
                Arc::new(CachedStore::builder(RedisStore::connect(place).await?).build().await?)
            }
            _ => return Err(format!("`{place}` cannot be opened with setup `{setup}`").into()),
        };
        let key = Key::new(id(0), Secret::from_bytes([0; 16]));
        Ok(Self { store, verifier: key.verifier(KindTag::DEFAULT) })
    }

    async fn create(&self, number: usize) -> Result<(), Failure> {
        let id = id(number);
        let record = self.record(&Visitor::new(number), Revision::new(1, 0))?;
        match self.store.insert(id, record).await? {
            Inserted::Done => Ok(()),
            Inserted::Taken => Err("a session exists already".into()),
        }
    }

    async fn load(&self, number: usize) -> Result<Held, Failure> {
        let id = id(number);
        let record = match self.store.get_cached(id).await? {
            Lookup::Authoritative(Some(Stored::Live(record))) | Lookup::Cached(record) => record,
            Lookup::Authoritative(_) => return Err("a session is gone".into()),
        };
        let json = record.payload().to_bytes()?.ok_or("a session has no visitor")?;
        Ok(Held { id, visitor: serde_json::from_slice(&json)?, record })
    }

    async fn update(&self, held: &mut Held) -> Result<bool, Failure> {
        let mut visitor = held.visitor.clone();
        visitor.visits += 1;
        let expected = held.record.revision();
        let revision = Revision::new(expected.count() + 1, visitor.visits);
        let record = self.record(&visitor, revision)?;
        match self.store.replace(held.id, &held.record, record.clone(), SystemClock.now()).await? {
            Swap::Done => {
                (held.visitor, held.record) = (visitor, record);
                Ok(true)
            }
            Swap::Stale(_) | Swap::Gone => Err("another writer changed a session".into()),
        }
    }

    fn visits(held: &Held) -> u64 {
        held.visitor.visits
    }
}

fn id(number: usize) -> PublicId {
    PublicId::from_bytes(visitor::id(number))
}
