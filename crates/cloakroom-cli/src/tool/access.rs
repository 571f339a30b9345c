//! Which store, and how the answer is wanted.

use std::error::Error;
use std::sync::Arc;

use cloakroom::Store;

use crate::store;

/// What all commands ask for.
#[derive(Debug, clap::Args)]
pub(super) struct Access {
    #[arg(long, value_name = "URL", env = "CLOAKROOM_STORE", hide_env_values = true, help = store::HELP)]
    pub(super) store: store::Named,
    /// Answer in JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

impl Access {
    /// The store for looking only: nothing in it is changed.
    pub(super) fn read(&self) -> Result<Arc<dyn Store>, Box<dyn Error>> {
        store::read_only(&self.store)
    }

    /// The store for acting on it.
    pub(super) fn write(&self) -> Result<Arc<dyn Store>, Box<dyn Error>> {
        store::existing(&self.store)
    }
}
