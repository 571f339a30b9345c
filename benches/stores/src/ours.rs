//! Cloakroom's SQLite store as it is opened unless told otherwise: durable.

use std::path::Path;

use cloakroom_sqlite::SqliteStore;

use crate::child::Program;
use crate::cloakroom::Cloakroom;
use crate::drive::Failure;

/// The only setup there is.
pub(crate) const DURABLE: &str = "durable";

impl Program for Cloakroom<SqliteStore> {
    async fn open(file: &Path, setup: &str) -> Result<Self, Failure> {
        match setup {
            DURABLE => Ok(Self::new(SqliteStore::open(file)?)),
            other => Err(format!("no setup is called `{other}`").into()),
        }
    }
}
