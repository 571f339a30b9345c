//! The stores, each on an engine of its own.

use std::path::PathBuf;
use std::sync::Arc;

use cloakroom::{MemoryStore, Store};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Failure;

pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
    size: Size,
    /// What must live as long.
    _held: Vec<Box<dyn std::any::Any + Send>>,
}

/// How it is found out what the sessions take.
enum Size {
    Process,
    Files(PathBuf),
    Postgres(Arc<PostgresStore>),
    Redis(Arc<RedisStore>),
}

impl Engine {
    pub(crate) const NAMES: [&'static str; 4] = ["memory", "sqlite", "postgres", "redis"];

    pub(crate) fn start(runtime: &Runtime, name: &'static str) -> Result<Self, Failure> {
        let _inside = runtime.enter();
        Ok(match name {
            "memory" => {
                // As a remote store keeps them: the sessions of this bench begin as bytes.
                let store = Arc::new(MemoryStore::bounded(usize::MAX, usize::MAX));
                Self::new(name, store, Size::Process, Vec::new())
            }
            "sqlite" => {
                let place = TempDir::new()?;
                let file = place.path().join("sessions.db");
                let store = Arc::new(SqliteStore::open(&file)?);
                Self::new(name, store, Size::Files(place.path().to_owned()), vec![Box::new(place)])
            }
            "postgres" => {
                let server = Postgres::start(Durability::None);
                let store = Arc::new(runtime.block_on(PostgresStore::connect(server.url()))?);
                Self::new(
                    name,
                    Arc::<PostgresStore>::clone(&store),
                    Size::Postgres(store),
                    vec![Box::new(server)],
                )
            }
            _ => {
                let server = Redis::start(Durability::None);
                let store = Arc::new(runtime.block_on(RedisStore::connect(server.url()))?);
                Self::new(name, Arc::<RedisStore>::clone(&store), Size::Redis(store), vec![Box::new(server)])
            }
        })
    }

    fn new(
        name: &'static str,
        store: Arc<dyn Store>,
        size: Size,
        held: Vec<Box<dyn std::any::Any + Send>>,
    ) -> Self {
        Self { name, store, size, _held: held }
    }

    /// Bytes that all of it takes: of this process's memory, on the disk, or of the server's memory.
    pub(crate) async fn bytes(&self) -> Result<u64, Failure> {
        Ok(match &self.size {
            Size::Process => resident()?,
            Size::Files(place) => {
                let files = std::fs::read_dir(place)?.collect::<Result<Vec<_>, _>>()?;
                files.iter().map(|file| Ok(file.metadata()?.len())).sum::<Result<u64, std::io::Error>>()?
            }
            Size::Postgres(store) => store.inspect().await?.bytes,
            Size::Redis(store) => store.inspect().await?.iter().map(|server| server.bytes).sum(),
        })
    }
}

/// What the system counts for this process, where `/proc` tells.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("this system does not tell")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}
