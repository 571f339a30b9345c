//! What can be found out of a server.

use tokio_postgres::Row;

use crate::error::PostgresError;
use crate::link::{SAFE, Way};

/// What a server is like: [`PostgresStore::inspect`](crate::PostgresStore::inspect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The server's version.
    pub server_version: String,
    /// The version of the tables.
    pub schema_version: u32,
    /// Whether it follows another server and takes no writes.
    pub is_standby: bool,
    /// Whether what it writes is on the disk before it counts as written (`fsync`).
    pub syncs: bool,
    /// When a change counts as made, in the server's words (`synchronous_commit`), unless a connection asks for more.
    pub commit: String,
    /// Whether this connection is encrypted.
    pub is_encrypted: bool,
    /// What the tables take, with their indexes, in bytes.
    pub bytes: u64,
}

impl Inspection {
    pub(crate) async fn of(way: &Way) -> Result<Self, PostgresError> {
        let (client, wire) = way.dial().await?;
        let wire = tokio::spawn(wire);
        let question = way.names.fill(
            "SELECT current_setting('server_version'), (SELECT max(version) FROM {version}), pg_is_in_recovery(),
                 current_setting('fsync') = 'on', current_setting('synchronous_commit'),
                 coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
                 pg_total_relation_size('{session}') + pg_total_relation_size('{admission}')
                     + pg_total_relation_size('{revocation}')",
        );
        let asking = async {
            client.batch_execute(SAFE).await?;
            client.query_one(&question, &[]).await
        };
        let answer = asking.await;
        wire.abort();
        let failed = |error| PostgresError::driver("look the server over", error);
        read(&answer.map_err(failed)?).map_err(failed)
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
        bytes: u64::try_from(bytes).unwrap_or_default(),
    })
}
