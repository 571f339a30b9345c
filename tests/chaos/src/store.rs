//! The stores under test.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::CachedStore;
use cloakroom::{Key, SessionLimit, Sessions, Store};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
    Redis,
}

impl StoreKind {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Redis];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Opens the sessions at `url`, for SQLite a path, in the settings in which the engine keeps its
/// word.
pub(crate) async fn open(
    kind: StoreKind,
    url: &str,
    is_cached: bool,
) -> Result<Sessions<Tally>, Failure> {
    match kind {
        StoreKind::Sqlite => {
            sessions_on(SqliteStore::builder(url).timeout(TIMEOUT).open()?, is_cached).await
        }
        StoreKind::Postgres => {
            let store = PostgresStore::builder(url).timeout(TIMEOUT).connect().await?;
            sessions_on(store, is_cached).await
        }
        StoreKind::Redis => {
            let store = RedisStore::builder(url).timeout(TIMEOUT).connect().await?;
            sessions_on(store, is_cached).await
        }
    }
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
