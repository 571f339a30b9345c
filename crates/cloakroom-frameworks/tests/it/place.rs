//! A Redis that all tests of this process share, in which each has keys of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom_redis::RedisStore;
use cloakroom_testkit::servers::{Durability, Redis, Server};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Redis> = LazyLock::new(|| Redis::start(Durability::None));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static PLACES: AtomicU32 = AtomicU32::new(0);

/// An empty store.
pub(crate) fn redis() -> RedisStore {
    let prefix = format!("test{}", PLACES.fetch_add(1, Ordering::Relaxed));
    let store = RedisStore::builder(SERVER.url()).prefix(prefix).connect();
    RUNTIME.block_on(store).expect("the server is there")
}
