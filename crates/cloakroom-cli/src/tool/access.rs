//! Which store, and how the answer is wanted.

use std::error::Error;

use cloakroom_sqlite::SqliteStore;

use crate::store::StoreUrl;

/// What all commands ask for.
#[derive(Debug, clap::Args)]
pub(super) struct Access {
    /// The store: sqlite:PATH
    #[arg(long, value_name = "URL")]
    store: StoreUrl,
    /// Answer in JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

impl Access {
    /// The store for looking only: nothing in it is changed.
    pub(super) fn read(&self) -> Result<SqliteStore, Box<dyn Error>> {
        Ok(SqliteStore::builder(self.path()?).open_read_only()?)
    }

    /// The store for acting on it. It must exist, and be of this version: bringing it up to date is the application's
    /// to do, which may be of an earlier one and still running.
    pub(super) fn write(&self) -> Result<SqliteStore, Box<dyn Error>> {
        drop(self.read()?);
        Ok(SqliteStore::builder(self.path()?).existing().open()?)
    }

    fn path(&self) -> Result<&std::path::Path, Box<dyn Error>> {
        match &self.store {
            StoreUrl::Sqlite(path) => Ok(path),
            StoreUrl::Memory => {
                Err("sessions in memory are another process's own: nobody else can see them".into())
            }
        }
    }
}
