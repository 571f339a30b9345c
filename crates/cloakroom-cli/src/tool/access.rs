//! The options that most commands share.

use std::error::Error;
use std::sync::Arc;

use cloakroom::Store;

use crate::store;

/// The store, and the output format.
#[derive(Debug, clap::Args)]
pub(super) struct Access {
    #[arg(
        long,
        value_name = "URL",
        env = "CLOAKROOM_STORE",
        hide_env_values = true,
        help = store::HELP
    )]
    pub(super) store: store::StoreArg,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Access {
    /// Opens the store for reading only: nothing in it changes.
    pub(super) fn read_only(&self) -> Result<Arc<dyn Store>, Box<dyn Error>> {
        store::open_read_only(&self.store)
    }

    /// Opens the store for changes.
    pub(super) fn read_write(&self) -> Result<Arc<dyn Store>, Box<dyn Error>> {
        store::open(&self.store)
    }
}
