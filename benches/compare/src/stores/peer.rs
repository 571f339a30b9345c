//! tower-sessions' records in its stores.

use std::sync::Arc;

use cloakroom_bench::Failure;
use cloakroom_bench::store::Contender;
use cloakroom_bench::visitor::{self, VISITOR, Visitor};
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::{SessionStore, session_store};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::sqlx::postgres::PgPoolOptions;
use tower_sessions_sqlx_store::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// Connections of a pool to a server.
const POSTGRES_POOL: u32 = 16;
const REDIS_POOL: usize = 6;

/// The setup is `default`, `table NAME` for PostgreSQL, or a number of connections with which
/// SQLite is as durable as ours.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Arc<dyn SessionStore>);

async fn sqlite(file: &str, setup: &str) -> Result<SqliteStore, Failure> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let pool = match setup {
        "default" => SqlitePoolOptions::new().connect_with(options).await?,
        connections => {
            let options =
                options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
            let pool = SqlitePoolOptions::new().max_connections(connections.parse()?);
            pool.connect_with(options).await?
        }
    };
    let store = SqliteStore::new(pool);
    store.migrate().await?;
    Ok(store)
}

async fn postgres(url: &str, setup: &str) -> Result<PostgresStore, Failure> {
    let pool = PgPoolOptions::new().max_connections(POSTGRES_POOL).connect(url).await?;
    let mut store = PostgresStore::new(pool);
    if let Some(table) = setup.strip_prefix("table ") {
        store = store.with_table_name(table)?;
    }
    store.migrate().await?;
    Ok(store)
}

async fn redis(url: &str) -> Result<RedisStore<Pool>, Failure> {
    let pool = Pool::new(Config::from_url(url)?, None, None, None, REDIS_POOL)?;
    pool.init().await?;
    Ok(RedisStore::new(pool))
}

impl Contender for Peer {
    type Session = Record;

    async fn open(place: &str, setup: &str) -> Result<Self, Failure> {
        Ok(Self(match place.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres") => Arc::new(postgres(place, setup).await?),
            Some("redis") => Arc::new(redis(place).await?),
            _ => Arc::new(sqlite(place, setup).await?),
        }))
    }

    async fn create(&self, number: usize) -> Result<(), Failure> {
        let mut record = Record { id: id(number), data: [].into(), expiry_date: expiry_date() };
        record.data.insert(VISITOR.into(), serde_json::to_value(Visitor::new(number))?);
        // Filling is not measured, so a locked database is asked again.
        loop {
            match self.0.create(&mut record).await {
                Err(error) if is_temporary(&error) => {}
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn load(&self, number: usize) -> Result<Record, Failure> {
        let record = self.0.load(&id(number)).await?.ok_or("a session is gone")?;
        visitor(&record)?;
        Ok(record)
    }

    /// Changes one value of the record and saves it with another deadline, as their `Session` does.
    async fn update(&self, record: &mut Record) -> Result<bool, Failure> {
        let mut visitor = visitor(record)?;
        visitor.visits += 1;
        record.data.insert(VISITOR.into(), serde_json::to_value(&visitor)?);
        record.expiry_date = expiry_date();
        match self.0.save(record).await {
            Ok(()) => Ok(true),
            Err(error) if is_temporary(&error) => {
                visitor.visits -= 1;
                record.data.insert(VISITOR.into(), serde_json::to_value(visitor)?);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn visits(record: &Record) -> u64 {
        visitor(record).map_or(0, |visitor| visitor.visits)
    }
}

/// Decodes the value as their `Session` does.
fn visitor(record: &Record) -> Result<Visitor, Failure> {
    let value = record.data.get(VISITOR).ok_or("a session has no visitor")?;
    Ok(serde_json::from_value(value.clone())?)
}

/// Their errors carry a string only.
fn is_temporary(error: &session_store::Error) -> bool {
    let text = error.to_string();
    text.contains("database is locked") || text.contains("pool timed out")
}

fn id(number: usize) -> Id {
    Id(i128::from_be_bytes(visitor::id(number)))
}

fn expiry_date() -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::minutes(30)
}
