//! PostgreSQL stores.

use std::sync::Arc;

use cloakroom::Store;
use cloakroom_postgres::{
    Commit, PostgresBuilder, PostgresError, PostgresErrorKind, PostgresStore,
};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::url::Mode;

pub(crate) fn validate(options: Options) -> Result<(), OpenError> {
    builder("postgres://127.0.0.1", options).map(drop)
}

pub(crate) async fn open(
    url: &str,
    options: Options,
    mode: Mode,
) -> Result<Arc<dyn Store>, OpenError> {
    let builder = builder(url, options)?;
    let builder = match mode {
        Mode::Create => builder,
        Mode::Existing => builder.without_migration(),
        Mode::ReadOnly => builder.read_only(),
    };
    builder.connect().await.map(|store| Arc::new(store) as _).map_err(failed)
}

pub(crate) async fn check(url: &str, options: Options) -> Result<Vec<Check>, OpenError> {
    let store = builder(url, options)?.read_only().connect().await.map_err(failed)?;
    let found = store.inspect().await.map_err(failed)?;
    let writes = if found.is_standby { "no: the server is a standby" } else { "yes" };
    let fsync = if found.syncs { "on" } else { "off: a crash can corrupt the database" };
    let commit = match &*found.commit {
        "off" => "`off` on this server; Cloakroom turns it on by default".to_owned(),
        commit => format!("`{commit}`"),
    };
    Ok(vec![
        Check::new("server", true, format!("PostgreSQL {}", found.server_version)),
        Check::new("tables", true, format!("version {}", found.schema_version)),
        Check::new("accepts writes", !found.is_standby, writes),
        Check::new("fsync", found.syncs, fsync),
        Check::new("synchronous_commit", true, commit),
        Check::new("encrypted", true, if found.is_encrypted { "yes" } else { "no" }),
        notify_queue(found.notify_queue),
        Check::new("size", true, format!("{} bytes with indexes", found.bytes)),
    ])
}

/// Near caches learn of changes through this queue.
fn notify_queue(used: f64) -> Check {
    let percent = (used * 100.0).round();
    let hint = if used < 0.5 {
        ""
    } else {
        ": a listener does not end its transaction; once the queue is full, caches of other nodes \
         learn of changes only by their `max_staleness`"
    };
    Check::new("notifications", used < 0.5, format!("{percent} % of the queue{hint}"))
}

fn failed(error: PostgresError) -> OpenError {
    match error.kind() {
        PostgresErrorKind::Url | PostgresErrorKind::Name => OpenError::refused_url(error),
        _ => OpenError::store(error),
    }
}

fn builder(url: &str, mut options: Options) -> Result<PostgresBuilder, OpenError> {
    let (schema, table) = (options.take("schema"), options.take("table"));
    let timeout = options.take_duration("timeout")?;
    // `sslrootcert` is the name in libpq, whose other options the driver takes.
    let root_certificate = options.take("root_certificate").or_else(|| options.take("sslrootcert"));
    let commit = match options.take("commit").as_deref() {
        None | Some("synchronous") => Commit::Synchronous,
        Some("asynchronous") => Commit::Asynchronous,
        Some(other) => {
            let hint = format!("`commit={other}` is neither `synchronous` nor `asynchronous`");
            return Err(OpenError::url(hint));
        }
    };
    // `require` means both here; the driver knows neither name.
    if let Some(mode) = options.take("sslmode") {
        let is_verified = matches!(&*mode, "verify-ca" | "verify-full");
        options.add("sslmode", if is_verified { "require".to_owned() } else { mode });
    }
    let mut builder =
        PostgresStore::builder(format!("{url}{}", options.into_query())).commit(commit);
    if let Some(schema) = schema {
        builder = builder.schema(schema);
    }
    if let Some(table) = table {
        builder = builder.table(table);
    }
    if let Some(file) = root_certificate {
        builder = builder.root_certificate(file);
    }
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    Ok(builder)
}
