//! The stores under test.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::CachedStore;
use cloakroom::{Key, SessionLimit, Sessions, Store};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::{RedisBuilder, RedisStore};
use cloakroom_sqlite::SqliteStore;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::history::KeyName;
use crate::tally::Tally;

/// How long a store waits for its server, or for another process.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// How far a near cache may lag behind.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(3);
/// How many sessions a principal can have.
pub(crate) const LIMIT: u8 = 3;

/// How long a write waits for replicas.
const REPLICAS_WITHIN: Duration = Duration::from_secs(1);
/// What sentinels call the master.
pub(crate) const MASTER: &str = "chaos";

/// An engine, and how its servers are deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
    Redis,
    /// Writes wait for a replica.
    RedisCluster,
    /// Writes wait for the replica.
    RedisSentinel,
    /// With a synchronous standby.
    PostgresStandby,
    /// PostgreSQL behind a pooler in session mode.
    #[serde(rename = "pgbouncer")]
    PgBouncer,
    /// Sentinels, and no write waits for the replica. It loses writes, so that the checker shows
    /// that it finds them.
    RedisUnguarded,
}

impl StoreKind {
    /// Those that lose nothing.
    pub(crate) const ALL: [Self; 7] = [
        Self::Sqlite,
        Self::Postgres,
        Self::Redis,
        Self::RedisCluster,
        Self::RedisSentinel,
        Self::PostgresStandby,
        Self::PgBouncer,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
            Self::RedisSentinel => "redis-sentinel",
            Self::PostgresStandby => "postgres-standby",
            Self::PgBouncer => "pgbouncer",
            Self::RedisUnguarded => "redis-unguarded",
        }
    }

    /// Whether one takes over when another one fails.
    pub(crate) const fn has_several_servers(self) -> bool {
        matches!(
            self,
            Self::RedisCluster | Self::RedisSentinel | Self::RedisUnguarded | Self::PostgresStandby
        )
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain([Self::RedisUnguarded]);
        all.find(|kind| kind.name() == name)
    }
}

/// Opens the sessions at `url`, for SQLite a path, in the settings in which the engine keeps its
/// word.
pub(crate) async fn open(
    kind: StoreKind,
    url: &str,
    is_cached: bool,
) -> Result<Sessions<Tally>, Failure> {
    let mut urls = url.split(',');
    let first = urls.next().unwrap_or_default();
    let redis = match kind {
        StoreKind::Sqlite => {
            let store = SqliteStore::builder(url).timeout(TIMEOUT).open()?;
            return sessions_on(store, is_cached).await;
        }
        StoreKind::Postgres | StoreKind::PostgresStandby | StoreKind::PgBouncer => {
            let store = PostgresStore::builder(url).timeout(TIMEOUT).connect().await?;
            return sessions_on(store, is_cached).await;
        }
        StoreKind::Redis => RedisStore::builder(url),
        StoreKind::RedisCluster => RedisStore::cluster(first).min_replicas(1, REPLICAS_WITHIN),
        StoreKind::RedisSentinel => {
            RedisStore::sentinel(first, MASTER).min_replicas(1, REPLICAS_WITHIN)
        }
        StoreKind::RedisUnguarded => RedisStore::sentinel(first, MASTER),
    };
    let redis = urls.fold(redis, RedisBuilder::add_node).timeout(TIMEOUT);
    sessions_on(redis.connect().await?, is_cached).await
}

async fn sessions_on(store: impl Store, is_cached: bool) -> Result<Sessions<Tally>, Failure> {
    let store: Arc<dyn Store> = if is_cached {
        Arc::new(CachedStore::builder(store).max_staleness(MAX_STALENESS).build().await?)
    } else {
        Arc::new(store)
    };
    Ok(Sessions::builder(store).limit(SessionLimit::end_oldest(LIMIT)).build()?)
}

/// The key's name in the history, which shows no secret.
pub(crate) fn name_of(key: &Key) -> KeyName {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    let mut hasher = DefaultHasher::new();
    key.expose().hash(&mut hasher);
    KeyName { session: key.id().to_string(), hash: hasher.finish() }
}
