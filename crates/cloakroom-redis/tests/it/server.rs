//! Servers that all tests of this process share; each test has keys of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cloakroom::stores::CachedStore;
use cloakroom_redis::RedisStore;
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Durability, Redis, RedisCluster, Server};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Redis> = LazyLock::new(|| Redis::start(Durability::None));
static VALKEY: LazyLock<Redis> = LazyLock::new(|| Redis::start_valkey(Durability::None));
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(|| RedisCluster::start(Durability::None));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static PREFIXES: AtomicU32 = AtomicU32::new(0);

/// An empty store.
pub(crate) fn store() -> RedisStore {
    let prefix = format!("test{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(RedisStore::builder(SERVER.url()).prefix(prefix).connect()).unwrap()
}

/// An empty store on a server that has a compare-and-set of its own.
pub(crate) fn on_valkey() -> RedisStore {
    let prefix = format!("test{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(RedisStore::builder(VALKEY.url()).prefix(prefix).connect()).unwrap()
}

/// An empty store behind a near cache.
pub(crate) fn cached() -> CachedStore<RedisStore> {
    RUNTIME.block_on(CachedStore::builder(store()).build()).unwrap()
}

/// A store on the server at `url`.
pub(crate) fn open(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::builder(url).timeout(STORE_TIMEOUT).connect()).unwrap()
}

/// An empty store in the cluster.
pub(crate) fn in_cluster() -> RedisStore {
    let prefix = format!("test{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    RUNTIME.block_on(RedisStore::cluster(CLUSTER.url()).prefix(prefix).connect()).unwrap()
}

/// An empty store in the cluster, behind a near cache.
pub(crate) fn cached_in_cluster() -> CachedStore<RedisStore> {
    RUNTIME.block_on(CachedStore::builder(in_cluster()).build()).unwrap()
}

/// A store in the cluster at `url`.
pub(crate) fn open_cluster(url: &str) -> RedisStore {
    RUNTIME.block_on(RedisStore::cluster(url).timeout(STORE_TIMEOUT).connect()).unwrap()
}

/// A store in the cluster at `url` that waits for a replica.
pub(crate) fn open_replicated(url: &str) -> RedisStore {
    let builder = RedisStore::cluster(url).timeout(STORE_TIMEOUT);
    RUNTIME.block_on(builder.min_replicas(1, STORE_TIMEOUT / 2).connect()).unwrap()
}

/// A store on the server at `url` that waits for a replica.
pub(crate) fn open_alone_with_replicas(url: &str) -> RedisStore {
    let builder = RedisStore::builder(url).timeout(STORE_TIMEOUT);
    RUNTIME.block_on(builder.min_replicas(1, STORE_TIMEOUT / 8).connect()).unwrap()
}

/// Waits until the condition holds, for at most a minute.
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "a test that waits must end")]
    let now = std::time::Instant::now;
    let began = now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "timed out");
        std::thread::yield_now();
    }
}

/// A URL at which no server listens.
pub(crate) fn unused_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("redis://{}", listener.local_addr().unwrap())
}
