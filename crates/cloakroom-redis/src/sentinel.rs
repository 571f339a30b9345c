//! Finding the current master with sentinels.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo};
use tokio::time::timeout;

use crate::connection::{client_at, is_replica_role};
use crate::error::{RedisError, RedisErrorKind};
use crate::slots::Address;

/// Sentinels, and the master to ask them for.
#[derive(Clone)]
pub(crate) struct Sentinels {
    /// Asked in this order until one knows the master.
    pub(crate) clients: Vec<Client>,
    /// The name of the master.
    pub(crate) name: String,
    /// How to connect to the master, except for its address.
    pub(crate) template: ConnectionInfo,
}

impl Sentinels {
    /// The current master. It must confirm its role, as a sentinel can be out of date.
    pub(crate) async fn master(&self, limit: Duration) -> Result<Client, RedisError> {
        // A sentinel that does not answer must leave time for the others.
        let share = limit / u32::try_from(self.clients.len() + 1).unwrap_or(u32::MAX);
        let mut failure = RedisError::new(RedisErrorKind::Unreachable, FIND_MASTER);
        for sentinel in &self.clients {
            failure = match timeout(share, self.master_from(sentinel, share)).await {
                Ok(Ok(master)) => return Ok(master),
                Ok(Err(error)) => error,
                Err(_) => RedisError::new(RedisErrorKind::TimedOut, FIND_MASTER),
            }
            .at(sentinel.get_connection_info().addr());
        }
        Err(failure)
    }

    async fn master_from(&self, sentinel: &Client, limit: Duration) -> Result<Client, RedisError> {
        let failed = |error| RedisError::driver(FIND_MASTER, error);
        let address = match self.query(&without_credentials(sentinel)?, limit).await {
            // Most sentinels have no password, and reject a connection that sends one.
            Err(error) if error.code() == Some("NOAUTH") => {
                self.query(&without_database(sentinel)?, limit).await
            }
            answer => answer,
        };
        let Some((host, port)) = address.map_err(failed)? else {
            return Err(RedisError::new(RedisErrorKind::NotReady, "find a master of this name"));
        };
        let master = client_at(&self.template, &Address { host, port })?;
        let mut connection = connect(&master, limit).await.map_err(failed)?;
        let role = redis::cmd("ROLE").query_async(&mut connection).await.map_err(failed)?;
        if is_replica_role(&role) {
            return Err(RedisError::new(RedisErrorKind::NotReady, "use a replica as the master"));
        }
        Ok(master)
    }

    async fn query(
        &self,
        sentinel: &Client,
        limit: Duration,
    ) -> redis::RedisResult<Option<(String, u16)>> {
        let mut connection = connect(sentinel, limit).await?;
        let mut query = redis::cmd("SENTINEL");
        query.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name).query_async(&mut connection).await
    }
}

const FIND_MASTER: &str = "find the master with a sentinel";

fn without_credentials(sentinel: &Client) -> Result<Client, RedisError> {
    let address = sentinel.get_connection_info().addr().clone();
    let info = address.into_connection_info().map_err(invalid_address)?;
    Client::open(info).map_err(invalid_address)
}

/// The database number in the URL is that of the master; a sentinel has only one database.
fn without_database(sentinel: &Client) -> Result<Client, RedisError> {
    let info = sentinel.get_connection_info().clone();
    let settings = info.redis_settings().clone().set_db(0);
    Client::open(info.set_redis_settings(settings)).map_err(invalid_address)
}

fn invalid_address(error: redis::RedisError) -> RedisError {
    RedisError::driver("use the address of a sentinel", error)
}

async fn connect(client: &Client, limit: Duration) -> redis::RedisResult<MultiplexedConnection> {
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limit))
        .set_response_timeout(Some(limit));
    client.get_multiplexed_async_connection_with_config(&settings).await
}
