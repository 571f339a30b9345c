//! Servers that know which of several is the master.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo};
use tokio::time::timeout;

use crate::error::{RedisError, RedisErrorKind};
use crate::link::client_at;
use crate::slots::Address;

/// Sentinels, and whom they are asked for.
#[derive(Clone)]
pub(crate) struct Sentinels {
    /// Each is asked in turn, until one knows.
    pub(crate) all: Vec<Client>,
    pub(crate) name: String,
    /// How the master is reached, but for its address.
    pub(crate) like: ConnectionInfo,
}

impl Sentinels {
    /// The master, which says itself that it is one: sentinels may be late.
    pub(crate) async fn master(&self, patience: Duration) -> Result<Client, RedisError> {
        // One that stands still must leave time for the others.
        let each = patience / u32::try_from(self.all.len() + 1).unwrap_or(u32::MAX);
        let mut failure =
            RedisError::new(RedisErrorKind::Unreachable, "ask the sentinels for the master");
        for sentinel in &self.all {
            match timeout(each, self.by(sentinel, each)).await {
                Ok(Ok(master)) => return Ok(master),
                Ok(Err(error)) => failure = error,
                Err(_) => {
                    failure = RedisError::new(
                        RedisErrorKind::TimedOut,
                        "ask the sentinels for the master",
                    );
                }
            }
        }
        Err(failure)
    }

    async fn by(&self, sentinel: &Client, patience: Duration) -> Result<Client, RedisError> {
        let failed = |error| RedisError::driver("ask the sentinels for the master", error);
        let known = match self.ask(&anonymous(sentinel)?, patience).await {
            // Most sentinels know no password, and refuse whoever shows one.
            Err(error) if is_locked(&error) => {
                self.ask(&with_database(sentinel, 0)?, patience).await
            }
            known => known,
        };
        let known = known.map_err(failed)?;
        let Some((host, port)) = known else {
            return Err(RedisError::new(RedisErrorKind::NotReady, "find a master of that name"));
        };
        let master = client_at(&self.like, &Address { host, port })?;
        let mut connection = connect(&master, patience).await.map_err(failed)?;
        let role: Vec<redis::Value> =
            redis::cmd("ROLE").query_async(&mut connection).await.map_err(failed)?;
        let role: Option<String> =
            role.first().and_then(|role| redis::from_redis_value_ref(role).ok());
        if role.as_deref() == Some("master") {
            return Ok(master);
        }
        Err(RedisError::new(RedisErrorKind::NotReady, "use the server that was the master"))
    }
}

impl Sentinels {
    async fn ask(
        &self,
        sentinel: &Client,
        patience: Duration,
    ) -> redis::RedisResult<Option<(String, u16)>> {
        let mut connection = connect(sentinel, patience).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name).query_async(&mut connection).await
    }
}

/// The same address for who shows nothing.
fn anonymous(sentinel: &Client) -> Result<Client, RedisError> {
    let place = sentinel.get_connection_info().addr().clone();
    let info = place.into_connection_info().map_err(unusable)?;
    Client::open(info).map_err(unusable)
}

/// Sentinels have one database.
fn with_database(sentinel: &Client, number: i64) -> Result<Client, RedisError> {
    let info = sentinel.get_connection_info().clone();
    let settings = info.redis_settings().clone().set_db(number);
    Client::open(info.set_redis_settings(settings)).map_err(unusable)
}

fn unusable(error: redis::RedisError) -> RedisError {
    RedisError::driver("use the address of a sentinel", error)
}

fn is_locked(error: &redis::RedisError) -> bool {
    error.code() == Some("NOAUTH")
}

async fn connect(client: &Client, patience: Duration) -> redis::RedisResult<MultiplexedConnection> {
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience));
    client.get_multiplexed_async_connection_with_config(&settings).await
}
