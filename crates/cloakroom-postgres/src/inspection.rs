//! A report on the server: version, durability, encryption and size.

use tokio_postgres::Row;

use crate::connect_options::{ConnectOptions, DriverTask, SAFE_SETTINGS};
use crate::error::PostgresError;
use crate::servers::Connected;

/// A report on a server: [`PostgresStore::inspect`](crate::PostgresStore::inspect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The server's version.
    pub server_version: String,
    /// The schema version of the tables.
    pub schema_version: u32,
    /// Whether the server is a standby, which accepts no writes.
    pub is_standby: bool,
    /// Whether the server waits until its writes are on the disk (`fsync`).
    pub syncs: bool,
    /// The server's `synchronous_commit`, which a connection can override.
    pub commit: String,
    /// Whether this connection is encrypted.
    pub is_encrypted: bool,
    /// How full the server's queue of notifications is, from 0 to 1.
    ///
    /// A listener in a transaction that it does not end fills it, of any application on this
    /// server. While it is full, near caches on other nodes rely on their `max_staleness`.
    pub notify_queue: f64,
    /// The size of the tables and their indexes in bytes.
    pub bytes: u64,
}

impl Inspection {
    pub(crate) async fn of(options: &ConnectOptions) -> Result<Self, PostgresError> {
        let Connected { client, driver, .. } = options.connect().await?;
        let _task = DriverTask::new(tokio::spawn(driver));
        let query = options.names.fill(
            "SELECT current_setting('server_version'), (SELECT max(version) FROM {version}),
                 pg_is_in_recovery(), current_setting('fsync') = 'on',
                 current_setting('synchronous_commit'),
                 coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
                 pg_total_relation_size('{session}') + pg_total_relation_size('{index}')
                     + pg_total_relation_size('{revocation}'),
                 CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_notification_queue_usage() END",
        );
        let querying = async {
            client.batch_execute(SAFE_SETTINGS).await?;
            client.query_one(&query, &[]).await
        };
        let failed = |error| PostgresError::driver("inspect the server", error);
        let row = querying.await.map_err(failed)?;
        read(&row).map_err(failed)
    }
}

fn read(row: &Row) -> Result<Inspection, tokio_postgres::Error> {
    let (version, bytes): (i32, i64) = (row.try_get(1)?, row.try_get(6)?);
    Ok(Inspection {
        server_version: row.try_get(0)?,
        schema_version: u32::try_from(version).unwrap_or_default(),
        is_standby: row.try_get(2)?,
        syncs: row.try_get(3)?,
        commit: row.try_get(4)?,
        is_encrypted: row.try_get(5)?,
        notify_queue: row.try_get(7)?,
        bytes: u64::try_from(bytes).unwrap_or_default(),
    })
}
