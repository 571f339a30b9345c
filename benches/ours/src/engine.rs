//! Cloakroom's stores, each on a private server or file.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use cloakroom::{MemoryStore, Principal, PublicId, Store, Timestamp};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::servers::{Durability, Postgres, Proxy, Redis, Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{Failure, meter};

pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
    /// A proxy between the store and its server, which counts round trips.
    pub(crate) proxy: Option<Proxy>,
    size: Size,
    /// The server or the directory, which ends with the engine.
    _held: Box<dyn Any + Send>,
}

/// How to find out what the sessions take.
enum Size {
    Process,
    Files(PathBuf),
    Postgres(Arc<PostgresStore>),
    Redis(Arc<RedisStore>),
}

impl Engine {
    pub(crate) const NAMES: [&'static str; 4] = ["memory", "sqlite", "postgres", "redis"];

    /// Starts a server without durability, if the store needs one.
    pub(crate) fn start(
        runtime: &Runtime,
        name: &'static str,
        with_proxy: bool,
    ) -> Result<Self, Failure> {
        let _inside = runtime.enter();
        let proxy_to = |server: &dyn Server| with_proxy.then(|| Proxy::to(server.port()));
        let engine = match name {
            "memory" => {
                let store = Arc::new(MemoryStore::bounded(usize::MAX, usize::MAX));
                Self { name, store, proxy: None, size: Size::Process, _held: Box::new(()) }
            }
            "sqlite" => {
                let place = TempDir::new()?;
                let store = Arc::new(SqliteStore::open(place.path().join("sessions.db"))?);
                let size = Size::Files(place.path().to_owned());
                Self { name, store, proxy: None, size, _held: Box::new(place) }
            }
            "postgres" => {
                let server = Postgres::start(Durability::None);
                let proxy = proxy_to(&server);
                let url = server.url_at(proxy.as_ref().map_or(server.port(), Proxy::port));
                let store = Arc::new(runtime.block_on(PostgresStore::connect(url))?);
                let size = Size::Postgres(Arc::clone(&store));
                Self { name, store, proxy, size, _held: Box::new(server) }
            }
            _ => {
                let server = Redis::start(Durability::None);
                let proxy = proxy_to(&server);
                let url = server.url_at(proxy.as_ref().map_or(server.port(), Proxy::port));
                let store = Arc::new(runtime.block_on(RedisStore::connect(url))?);
                let size = Size::Redis(Arc::clone(&store));
                Self { name, store, proxy, size, _held: Box::new(server) }
            }
        };
        if engine.proxy.is_some() {
            runtime.block_on(engine.connect_fully())?;
        }
        Ok(engine)
    }

    /// Makes the store open all its connections, so that only operations are pass the proxy later.
    async fn connect_fully(&self) -> Result<(), Failure> {
        let unknown = PublicId::from_bytes([0; 16]);
        let principal = Principal::new("unknown")?;
        for _ in 0..200 {
            self.store.get(unknown).await?;
            self.store.revoke_before(&principal, Timestamp::EPOCH, Timestamp::EPOCH).await?;
        }
        Ok(())
    }

    /// Bytes of this process's memory, of the files, or of the server's memory.
    pub(crate) async fn bytes(&self) -> Result<u64, Failure> {
        Ok(match &self.size {
            Size::Process => meter::resident()? as u64,
            Size::Files(place) => {
                let files = std::fs::read_dir(place)?.collect::<Result<Vec<_>, _>>()?;
                let sizes = files.iter().map(|file| Ok(file.metadata()?.len()));
                sizes.sum::<Result<u64, std::io::Error>>()?
            }
            Size::Postgres(store) => store.inspect().await?.bytes,
            Size::Redis(store) => store.inspect().await?.iter().map(|server| server.bytes).sum(),
        })
    }
}
