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
        self.store.read_only()
    }

    /// The store for acting on it.
    pub(super) fn write(&self) -> Result<SqliteStore, Box<dyn Error>> {
        self.store.existing()
    }
}
