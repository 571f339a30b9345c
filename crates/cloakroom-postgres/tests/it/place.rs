//! A server that all tests of this process share, in which each has tables of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom::stores::CachedStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_testkit::servers::hardship::PATIENCE;
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Postgres> = LazyLock::new(|| Postgres::start(Durability::None));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static PLACES: AtomicU32 = AtomicU32::new(0);

/// An empty store.
pub(crate) fn fresh() -> PostgresStore {
    let table = format!("test{}", PLACES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(PostgresStore::builder(SERVER.url()).table(table).connect()).unwrap()
}

/// The same behind a near cache.
pub(crate) fn remembered() -> CachedStore<PostgresStore> {
    RUNTIME.block_on(CachedStore::builder(fresh()).build()).unwrap()
}

/// A store on a server of the test's own.
pub(crate) fn open(url: &str) -> PostgresStore {
    RUNTIME.block_on(PostgresStore::builder(url).timeout(PATIENCE).connect()).unwrap()
}
