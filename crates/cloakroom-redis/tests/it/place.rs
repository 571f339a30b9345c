//! A server that all tests of this process share, in which each has keys of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom::stores::CachedStore;
use cloakroom_redis::RedisStore;
use cloakroom_testkit::servers::hardship::PATIENCE;
use cloakroom_testkit::servers::{Durability, Redis, RedisCluster, Server};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Redis> = LazyLock::new(|| Redis::start(Durability::None));
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(|| RedisCluster::start(Durability::None));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static PLACES: AtomicU32 = AtomicU32::new(0);

/// An empty store.
pub(crate) fn fresh() -> RedisStore {
    let prefix = format!("test{}", PLACES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(RedisStore::builder(SERVER.url()).prefix(prefix).connect()).unwrap()
}

/// The same behind a near cache.
pub(crate) fn remembered() -> CachedStore<RedisStore> {
    RUNTIME.block_on(CachedStore::builder(fresh()).build()).unwrap()
}

/// A store on a server of the test's own.
pub(crate) fn open(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(url).timeout(PATIENCE).connect()).unwrap()
}

/// An empty store in a cluster.
pub(crate) fn in_cluster() -> RedisStore {
    let prefix = format!("test{}", PLACES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(RedisStore::cluster(CLUSTER.url()).prefix(prefix).connect()).unwrap()
}

/// The same behind a near cache.
pub(crate) fn remembered_in_cluster() -> CachedStore<RedisStore> {
    RUNTIME.block_on(CachedStore::builder(in_cluster()).build()).unwrap()
}

/// A store in a cluster of the test's own.
pub(crate) fn open_cluster(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::cluster(url).timeout(PATIENCE).connect()).unwrap()
}

/// The same, where a change counts once a replica has it.
pub(crate) fn open_copied(url: &str) -> RedisStore {
    let builder = RedisStore::cluster(url).timeout(PATIENCE);
    RUNTIME.block_on(builder.min_replicas(1, PATIENCE / 2).connect()).unwrap()
}

/// An address where nobody is.
pub(crate) fn deaf() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("redis://{}", listener.local_addr().unwrap())
}
