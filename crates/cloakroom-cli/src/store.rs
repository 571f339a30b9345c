//! The store that a command is about.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use cloakroom::Store;
use cloakroom_stores::StoreUrl;
use tokio::runtime::Runtime;

/// Where stores that are servers live while a command waits for them on its own thread.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| Runtime::new().ok());

/// Waits for what must be done inside a runtime.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Error>> {
    let runtime = RUNTIME.as_ref().ok_or("the system gives this process no threads")?;
    Ok(runtime.block_on(work))
}

/// Opens the store beside the application that uses it, for looking only: nothing in it is changed.
pub(crate) fn read_only(url: &StoreUrl) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(wait(url.open_read_only())??)
}

/// Opens the store beside the application that uses it.
pub(crate) fn existing(url: &StoreUrl) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(wait(url.open_existing())??)
}
