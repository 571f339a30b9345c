//! An empty store of each sort for every test; the servers are private, and shared by all tests of this process.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom::{Cached, MemoryStore};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::Guarded;
use cloakroom_testkit::servers::hardship::PATIENCE;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static POSTGRES: LazyLock<Postgres> = LazyLock::new(|| Postgres::start(Durability::None));
static REDIS: LazyLock<Redis> = LazyLock::new(|| Redis::start(Durability::None));
static PLACES: AtomicU32 = AtomicU32::new(0);

pub(crate) fn memory() -> MemoryStore {
    MemoryStore::new()
}

pub(crate) fn encoded() -> MemoryStore {
    MemoryStore::new().encoded()
}

pub(crate) fn sqlite() -> Guarded<SqliteStore> {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("sessions.db")).unwrap();
    Guarded::new(store, directory)
}

pub(crate) fn postgres() -> PostgresStore {
    RUNTIME.block_on(PostgresStore::builder(POSTGRES.url()).table(place()).connect()).unwrap()
}

pub(crate) fn redis() -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(REDIS.url()).prefix(place()).connect()).unwrap()
}

pub(crate) fn near_cache() -> Cached<RedisStore> {
    RUNTIME.block_on(Cached::builder(redis()).start()).unwrap()
}

/// The same sessions as two nodes see them, each through a near cache of its own.
pub(crate) fn two_near_caches() -> [Cached<RedisStore>; 2] {
    let place = place();
    [(); 2].map(|()| {
        let store = RUNTIME.block_on(RedisStore::builder(REDIS.url()).prefix(&*place).connect()).unwrap();
        RUNTIME.block_on(Cached::builder(store).start()).unwrap()
    })
}

/// A store on a server of the test's own, which is not waited for for long.
pub(crate) fn impatient(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(url).waiting_at_most(PATIENCE).connect()).unwrap()
}

fn place() -> String {
    format!("test{}", PLACES.fetch_add(1, Ordering::Relaxed))
}
