//! PostgreSQL by its URL.

use std::sync::Arc;

use cloakroom::Store;
use cloakroom_postgres::{Commit, PostgresBuilder, PostgresStore};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::url::Purpose;

pub(crate) fn understand(options: Options) -> Result<(), OpenError> {
    builder("postgres://127.0.0.1", options).map(drop)
}

pub(crate) async fn open(
    url: &str,
    options: Options,
    purpose: Purpose,
) -> Result<Arc<dyn Store>, OpenError> {
    let builder = builder(url, options)?;
    let builder = match purpose {
        Purpose::Serve => builder,
        Purpose::Operate => builder.existing(),
        Purpose::Look => builder.existing().reading_only(),
    };
    builder.connect().await.map(|store| Arc::new(store) as _).map_err(OpenError::store)
}

pub(crate) async fn check(url: &str, options: Options) -> Result<Vec<Check>, OpenError> {
    let store = builder(url, options)?
        .existing()
        .reading_only()
        .connect()
        .await
        .map_err(OpenError::store)?;
    let found = store.inspect().await.map_err(OpenError::store)?;
    let writes = if found.is_standby { "no: a standby" } else { "yes" };
    let synced = if found.syncs { "on" } else { "off: a crash may damage all of it" };
    let commit = match &*found.commit {
        "off" => "asynchronous in this server, synchronous for Cloakroom unless told otherwise"
            .to_owned(),
        commit => format!("`{commit}`"),
    };
    Ok(vec![
        Check::new("server", true, format!("PostgreSQL {}", found.server_version)),
        Check::new("tables", true, format!("version {}", found.schema_version)),
        Check::new("takes writes", !found.is_standby, writes),
        Check::new("fsync", found.syncs, synced),
        Check::new("commit", true, commit),
        Check::new("encrypted", true, if found.is_encrypted { "yes" } else { "no" }),
        Check::new("size", true, format!("{} bytes, indexes and directory included", found.bytes)),
    ])
}

fn builder(url: &str, mut options: Options) -> Result<PostgresBuilder, OpenError> {
    let (schema, table) = (options.take("schema"), options.take("table"));
    let (roots, timeout) = (options.take("sslrootcert"), options.take_span("timeout")?);
    let commit = match options.take("commit").as_deref() {
        None | Some("synchronous") => Commit::Synchronous,
        Some("asynchronous") => Commit::Asynchronous,
        Some(other) => {
            let hint = format!("`commit={other}` is neither `synchronous` nor `asynchronous`");
            return Err(OpenError::url(hint));
        }
    };
    let mut builder = PostgresStore::builder(format!("{url}{}", options.rest())).commit(commit);
    if let Some(schema) = schema {
        builder = builder.schema(schema);
    }
    if let Some(table) = table {
        builder = builder.table(table);
    }
    if let Some(roots) = roots {
        builder = builder.trusting(roots);
    }
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    Ok(builder)
}
