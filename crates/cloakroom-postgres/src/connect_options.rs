//! How to connect to the server, and how to set up a connection.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::batch::Outage;
use tokio::time::timeout;
use tokio_postgres::Socket;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::{Access, Commit};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::facts::Facts;
use crate::names::Names;
use crate::servers::{Connected, Servers};
use crate::tls::{Tls, TlsStream};
use crate::{pooling, schema};

/// The part of a connection that a task must poll.
pub(crate) type Driver = tokio_postgres::Connection<Socket, TlsStream>;

/// The task that polls a connection; aborted on drop.
pub(crate) type DriverTask = AbortOnDropHandle<Result<(), tokio_postgres::Error>>;

/// Overrides settings of the user's connections: functions of others cannot shadow built-in ones,
/// and an operation that waited for a lock sees what the lock's holder wrote.
pub(crate) const SAFE_SETTINGS: &str =
    "SET search_path = pg_catalog, pg_temp; SET default_transaction_isolation = 'read committed';";

/// How to reach the server, and what to do there.
#[derive(Clone)]
pub(crate) struct ConnectOptions {
    pub(crate) servers: Servers,
    pub(crate) tls: Tls,
    pub(crate) names: Names,
    pub(crate) timeout: Duration,
    pub(crate) commit: Commit,
    pub(crate) access: Access,
    /// Of all connections of the store.
    pub(crate) outage: Arc<Outage>,
}

impl ConnectOptions {
    /// Checks that a server can be reached and that its tables can be used, and migrates them.
    pub(crate) async fn prepare(&self) -> Result<(), PostgresError> {
        let preparing = async {
            self.servers.survey(&self.tls, self.timeout).await;
            let Connected { mut client, driver, facts } = self.connect().await?;
            let _task = DriverTask::new(tokio::spawn(driver));
            let preparing = async {
                self.refuse(&facts)?;
                // First of all: settings would leak to other clients of a pooler.
                pooling::refuse(self, &client).await?;
                let failed = |error| PostgresError::driver("set up a connection", error);
                client.batch_execute(SAFE_SETTINGS).await.map_err(failed)?;
                match self.access {
                    Access::Migrate => schema::migrate(&mut client, &self.names).await,
                    Access::Use | Access::Read => schema::check(&client, &self.names).await,
                }
            };
            preparing.await.map_err(|error| error.at(self.servers.last_address()))
        };
        // Longer than for a query: another node can be migrating.
        timeout(self.timeout * 4, preparing).await.unwrap_or_else(|_| {
            Err(PostgresError::new(PostgresErrorKind::TimedOut, "connect to the server"))
        })
    }

    /// Refuses a server on which every write would fail, or every name that is not Latin.
    fn refuse(&self, facts: &Facts) -> Result<(), PostgresError> {
        let attempted = "use the database";
        if self.access != Access::Read && (facts.is_standby || facts.is_read_only) {
            let (standby, read_only) = (PostgresErrorKind::Standby, PostgresErrorKind::ReadOnly);
            let kind = if facts.is_standby { standby } else { read_only };
            return Err(PostgresError::new(kind, attempted));
        }
        // The latter stores bytes as they are.
        if !["UTF8", "SQL_ASCII"].contains(&&*facts.encoding) {
            let encoding = format!("its encoding is `{}`", facts.encoding);
            return Err(PostgresError::caused(PostgresErrorKind::Encoding, attempted, encoding));
        }
        Ok(())
    }

    /// A new connection, without any of our settings.
    pub(crate) async fn connect(&self) -> Result<Connected, PostgresError> {
        self.servers.connect(&self.tls, self.timeout).await
    }

    /// How long the server waits for a lock: less than we wait for the server.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.timeout * 3 / 10
    }

    /// The statements that set up a connection.
    pub(crate) fn settings(&self) -> String {
        // The server gives up before we do and says so; then it is known that nothing happened.
        let statement_timeout = (self.timeout * 4 / 5).as_millis().max(1);
        let lock_timeout = self.lock_timeout().as_millis().max(1);
        let commit = match self.commit {
            Commit::Synchronous => {
                "SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit') = 'off'"
            }
            Commit::Asynchronous => "SET synchronous_commit = off",
        };
        let read_only = if self.access == Access::Read {
            "SET default_transaction_read_only = on;"
        } else {
            ""
        };
        // Generic plans by index, whatever the size of the tables when the statement is prepared.
        format!(
            "{SAFE_SETTINGS} {read_only}
             SET statement_timeout = {statement_timeout}; SET lock_timeout = {lock_timeout};
             SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off;
             SET enable_hashjoin = off; SET enable_mergejoin = off; {commit}"
        )
    }
}
