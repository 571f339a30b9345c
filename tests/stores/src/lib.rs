//! A new, empty store of each kind for a test.
//!
//! For tests that run on every store and are not part of the conformance suite, such as those of
//! the bridges to other session libraries. Redis and PostgreSQL are private servers, shared by all
//! tests of a process.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test cannot go on without its store"
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
static NAMES: AtomicU32 = AtomicU32::new(0);

/// A memory store that keeps values as they are.
pub fn memory() -> MemoryStore {
    MemoryStore::new()
}

/// A memory store that keeps values encoded.
pub fn encoded() -> MemoryStore {
    MemoryStore::new().with_encoded_values()
}

/// A SQLite store, whose file is removed when the store is dropped.
pub fn sqlite() -> Guarded<SqliteStore> {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("sessions.db")).unwrap();
    Guarded::new(store, directory)
}

/// A PostgreSQL store with its own tables.
pub fn postgres() -> PostgresStore {
    RUNTIME.block_on(PostgresStore::builder(POSTGRES.url()).table(unique_name()).connect()).unwrap()
}

/// A Redis store with its own keys.
pub fn redis() -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(REDIS.url()).prefix(unique_name()).connect()).unwrap()
}

/// A Redis store behind a near cache.
pub fn near_cache() -> CachedStore<RedisStore> {
    RUNTIME.block_on(CachedStore::builder(redis()).build()).unwrap()
}

/// Two near caches over the same sessions on Redis, as of two nodes.
pub fn two_near_caches() -> [CachedStore<RedisStore>; 2] {
    let name = unique_name();
    [(); 2].map(|()| {
        let store =
            RUNTIME.block_on(RedisStore::builder(REDIS.url()).prefix(&*name).connect()).unwrap();
        RUNTIME.block_on(CachedStore::builder(store).build()).unwrap()
    })
}

/// A Redis store at `url`, with a short timeout.
pub fn with_timeout(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(url).timeout(STORE_TIMEOUT).connect()).unwrap()
}

/// Runs a future on the runtime of the stores.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

fn unique_name() -> String {
    format!("test{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

/// Makes one test of each scenario on every store.
///
/// A scenario is an async function that takes a store. `$run` blocks on its future.
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
