//! The stores, each on an engine of its own, with somebody listening at the wire.

use std::sync::Arc;

use cloakroom::{MemoryStore, Principal, SessionId, Store, Timestamp};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::SpyStore;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server, Wire};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Failure;

pub(crate) struct Engine {
    pub(crate) store: SpyStore<Arc<dyn Store>>,
    /// Between the store and its server, if it has one.
    pub(crate) wire: Option<Wire>,
    /// What must live as long.
    _held: Box<dyn std::any::Any>,
}

impl Engine {
    pub(crate) const NAMES: [&'static str; 4] = ["memory", "sqlite", "postgres", "redis"];

    pub(crate) fn start(runtime: &Runtime, name: &str) -> Result<Self, Failure> {
        let _inside = runtime.enter();
        match name {
            "memory" => Ok(Self::new(Arc::new(MemoryStore::new()), None, Box::new(()))),
            "sqlite" => {
                let place = TempDir::new()?;
                let store = SqliteStore::open(place.path().join("sessions.db"))?;
                Ok(Self::new(Arc::new(store), None, Box::new(place)))
            }
            "postgres" => {
                let server = Postgres::start(Durability::None);
                let wire = Wire::to(server.port());
                let store = runtime.block_on(PostgresStore::connect(server.url_at(wire.port())))?;
                runtime.block_on(Self::new(Arc::new(store), Some(wire), Box::new(server)).connected())
            }
            _ => {
                let server = Redis::start(Durability::None);
                let wire = Wire::to(server.port());
                let store = runtime.block_on(RedisStore::connect(server.url_at(wire.port())))?;
                runtime.block_on(Self::new(Arc::new(store), Some(wire), Box::new(server)).connected())
            }
        }
    }

    fn new(store: Arc<dyn Store>, wire: Option<Wire>, held: Box<dyn std::any::Any>) -> Self {
        Self { store: SpyStore::new(store), wire, _held: held }
    }

    /// Has made every connection that the store may use, by which time nothing but operations is on the wire.
    async fn connected(self) -> Result<Self, Failure> {
        let nobody = SessionId::from_bytes([0; 16]);
        let principal = Principal::new("nobody")?;
        for _ in 0..200 {
            self.store.get(nobody).await?;
            self.store.revoke_before(&principal, Timestamp::EPOCH, Timestamp::EPOCH).await?;
        }
        Ok(self)
    }
}
