//! Whether a pooler hands one connection to the server to several clients.
//!
//! The store sets up its connections and prepares statements on them. If a pooler gave such a
//! connection to another client after each transaction, the settings would be in force there, and
//! the statements would be missing here.

use tokio_postgres::Client;

use crate::connect_options::{ConnectOptions, DriverTask};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::facts::one_row;
use crate::servers::Connected;

/// Refuses a pooler that is not in session mode. Changes nothing on the connection.
pub(crate) async fn refuse(options: &ConnectOptions, first: &Client) -> Result<(), PostgresError> {
    let Connected { client: second, driver, .. } = options.connect().await?;
    let _task = DriverTask::new(tokio::spawn(driver));
    if is_shared(first, &second).await? {
        return Err(PostgresError::new(PostgresErrorKind::Pooler, "use the connection"));
    }
    Ok(())
}

/// Whether two clients ever use the same connection, or one client uses two of them.
///
/// While the second client holds a connection by a transaction, the first one needs another.
async fn is_shared(first: &Client, second: &Client) -> Result<bool, PostgresError> {
    let before = backend(first).await?;
    if second.simple_query("BEGIN").await.is_err() {
        // A pooler in statement mode permits no transactions.
        return Ok(true);
    }
    let held = backend(second).await?;
    // Otherwise the first client could wait for the only connection for ever.
    if held == before {
        return Ok(true);
    }
    let meanwhile = backend(first).await?;
    let failed = |error| PostgresError::driver("use the connection", error);
    second.simple_query("COMMIT").await.map_err(failed)?;
    let after = [backend(second).await?, backend(first).await?];
    Ok(meanwhile != before || after != [held, before])
}

/// The process that serves a client.
async fn backend(client: &Client) -> Result<String, PostgresError> {
    let row = one_row(client, "SELECT pg_catalog.pg_backend_pid()").await?;
    Ok(row.get(0).unwrap_or_default().to_owned())
}
