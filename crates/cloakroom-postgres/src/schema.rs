//! The schema of the tables, and its migrations.

use tokio_postgres::Client;

use crate::error::{PostgresError, PostgresErrorKind};
use crate::names::Names;

/// Each migration leads from one version to the next. A released migration never changes.
const MIGRATIONS: [&str; 1] = [include_str!("schema/0001_sessions.sql")];

/// The advisory lock of a migration: "clrm".
const LOCK: i64 = 0x636C_726D;

/// Migrates the tables to the newest version. If several nodes start at once, one of them does it.
pub(crate) async fn migrate(client: &mut Client, names: &Names) -> Result<(), PostgresError> {
    let failed = |error| PostgresError::driver("migrate the tables", error);
    let newest = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    // Checked first: a user who may not create tables can use those that exist.
    if version(client, names).await.map_err(failed)? == Some(newest) {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let schema = names.schema();
    if !exists(transaction.client(), "SELECT to_regnamespace($1) IS NOT NULL", schema)
        .await
        .map_err(failed)?
    {
        transaction.batch_execute(&format!("CREATE SCHEMA \"{schema}\"")).await.map_err(failed)?;
    }
    let table = names.fill(
        "CREATE TABLE IF NOT EXISTS {version} (
             version integer     NOT NULL PRIMARY KEY,
             since   timestamptz NOT NULL DEFAULT now()
         )",
    );
    transaction.batch_execute(&table).await.map_err(failed)?;
    let current = version(transaction.client(), names).await.map_err(failed)?.unwrap_or_default();
    if current == 0 && has_sessions(transaction.client(), names).await.map_err(failed)? {
        return Err(PostgresError::new(PostgresErrorKind::Unversioned, "use the tables"));
    }
    if current > newest {
        return Err(PostgresError::new(PostgresErrorKind::TooNew, "use the tables"));
    }
    for (number, migration) in (1_i32..).zip(MIGRATIONS).filter(|(number, _)| *number > current) {
        transaction.batch_execute(&names.fill(migration)).await.map_err(failed)?;
        let record = names.fill("INSERT INTO {version} (version) VALUES ($1)");
        transaction.execute(&record, &[&number]).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Checks that the tables exist and are of the newest version.
pub(crate) async fn check(client: &Client, names: &Names) -> Result<(), PostgresError> {
    let newest = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    let version = version(client, names).await;
    let kind = match version.map_err(|error| PostgresError::driver("use the tables", error))? {
        Some(version) if version == newest => return Ok(()),
        Some(version) if version > newest => PostgresErrorKind::TooNew,
        Some(_) => PostgresErrorKind::TooOld,
        None => {
            let failed = |error| PostgresError::driver("use the tables", error);
            let exist = has_sessions(client, names).await.map_err(failed)?;
            if exist { PostgresErrorKind::Unversioned } else { PostgresErrorKind::Missing }
        }
    };
    Err(PostgresError::new(kind, "use the tables"))
}

/// The version of the tables; `None` if none is recorded.
async fn version(client: &Client, names: &Names) -> Result<Option<i32>, tokio_postgres::Error> {
    if !exists(client, "SELECT to_regclass($1) IS NOT NULL", &names.fill("{version}")).await? {
        return Ok(None);
    }
    let newest = client.query_one(&names.fill("SELECT max(version) FROM {version}"), &[]).await?;
    newest.try_get(0)
}

/// Whether the table of sessions exists.
async fn has_sessions(client: &Client, names: &Names) -> Result<bool, tokio_postgres::Error> {
    exists(client, "SELECT to_regclass($1) IS NOT NULL", &names.fill("{session}")).await
}

async fn exists(client: &Client, query: &str, name: &str) -> Result<bool, tokio_postgres::Error> {
    client.query_one(query, &[&name]).await?.try_get(0)
}
