//! A server that all tests of this process share; each test has tables of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom::record::{Record, Stored};
use cloakroom::stores::CachedStore;
use cloakroom::{Key, SessionMap, Sessions, Store};
use cloakroom_postgres::PostgresStore;
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

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

/// A connection of an operator, without the store.
pub(crate) async fn client(server: &Postgres) -> Client {
    let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

/// The number that a query returns.
pub(crate) async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

pub(crate) async fn new_session(sessions: &Sessions<SessionMap>) -> Key {
    sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().clone()
}

pub(crate) async fn live(store: &PostgresStore, key: &Key) -> Record {
    match store.get(key.id()).await.unwrap() {
        Some(Stored::Live(record)) => record,
        other => panic!("{other:?}"),
    }
}
