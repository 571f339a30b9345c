//! A server that all tests of this process share; each test has tables of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom::stores::CachedStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Postgres> = LazyLock::new(|| Postgres::start(Durability::None));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static TABLES: AtomicU32 = AtomicU32::new(0);

/// An empty store.
pub(crate) fn store() -> PostgresStore {
    let table = format!("test{}", TABLES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(PostgresStore::builder(SERVER.url()).table(table).connect()).unwrap()
}

/// An empty store behind a near cache.
pub(crate) fn cached() -> CachedStore<PostgresStore> {
    RUNTIME.block_on(CachedStore::builder(store()).build()).unwrap()
}

/// A store on the server at `url`.
pub(crate) fn open(url: &str) -> PostgresStore {
    RUNTIME.block_on(PostgresStore::builder(url).timeout(STORE_TIMEOUT).connect()).unwrap()
}
