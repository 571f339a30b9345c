//! An empty store of each sort for every test; the servers are private, and shared by all tests of a process.
//!
//! For what is asked of every store and is no part of the conformance suite: other libraries' scenarios, over bridges.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test without its store can't go on"
)]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom::MemoryStore;
use cloakroom::stores::CachedStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::Guarded;
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static POSTGRES: LazyLock<Postgres> = LazyLock::new(|| Postgres::start(Durability::None));
static REDIS: LazyLock<Redis> = LazyLock::new(|| Redis::start(Durability::None));
static PLACES: AtomicU32 = AtomicU32::new(0);

/// In this process, each value as it is.
pub fn memory() -> MemoryStore {
    MemoryStore::new()
}

/// In this process, each value as a remote store keeps it.
pub fn encoded() -> MemoryStore {
    MemoryStore::new().encoded()
}

/// In a file that goes with the store.
pub fn sqlite() -> Guarded<SqliteStore> {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("sessions.db")).unwrap();
    Guarded::new(store, directory)
}

/// In tables of its own.
pub fn postgres() -> PostgresStore {
    RUNTIME.block_on(PostgresStore::builder(POSTGRES.url()).table(place()).connect()).unwrap()
}

/// Under keys of its own.
pub fn redis() -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(REDIS.url()).prefix(place()).connect()).unwrap()
}

/// The same behind a near cache.
pub fn near_cache() -> CachedStore<RedisStore> {
    RUNTIME.block_on(CachedStore::builder(redis()).build()).unwrap()
}

/// The same sessions as two nodes see them, each through a near cache of its own.
pub fn two_near_caches() -> [CachedStore<RedisStore>; 2] {
    let place = place();
    [(); 2].map(|()| {
        let store =
            RUNTIME.block_on(RedisStore::builder(REDIS.url()).prefix(&*place).connect()).unwrap();
        RUNTIME.block_on(CachedStore::builder(store).build()).unwrap()
    })
}

/// A store on a server of the test's own, which is not waited for for long.
pub fn with_timeout(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(url).timeout(STORE_TIMEOUT).connect()).unwrap()
}

/// Runs a future to its end beside the stores' own tasks.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

fn place() -> String {
    format!("test{}", PLACES.fetch_add(1, Ordering::Relaxed))
}

/// One test of each scenario on every store there is: an async function that is given the store, run by `$run`.
#[macro_export]
macro_rules! on_every_store {
    ($run:path: $($scenario:ident)*) => {
        $crate::__on_store!($run, memory: $($scenario)*);
        $crate::__on_store!($run, encoded: $($scenario)*);
        $crate::__on_store!($run, sqlite: $($scenario)*);
        $crate::__on_store!($run, postgres: $($scenario)*);
        $crate::__on_store!($run, redis: $($scenario)*);
        $crate::__on_store!($run, near_cache: $($scenario)*);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __on_store {
    ($run:path, $store:ident: $($scenario:ident)*) => {
        mod $store {
            $(#[test]
            fn $scenario() {
                $run(super::$scenario($crate::$store()));
            })*
        }
    };
}
