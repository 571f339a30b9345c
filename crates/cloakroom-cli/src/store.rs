//! The store that a command is about.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use cloakroom::Store;
use cloakroom_any::{OpenError, StoreUrl};
use tokio::runtime::Runtime;

/// What is said of how a store is named.
pub(crate) const HELP: &str = "The store: sqlite:PATH, postgres://HOST/DATABASE or redis://HOST";

/// A store as it was named on the command line or in the environment.
///
/// A mistake in it is told when it is used, and not by who reads the command line: they would repeat it, password and all.
#[derive(Clone, Debug)]
pub(crate) struct Named(Result<StoreUrl, Arc<OpenError>>);

impl Named {
    pub(crate) fn url(&self) -> Result<&StoreUrl, Misnamed> {
        self.0.as_ref().map_err(|mistake| Misnamed(Arc::clone(mistake)))
    }
}

impl FromStr for Named {
    type Err = Infallible;

    fn from_str(url: &str) -> Result<Self, Infallible> {
        Ok(Self(url.parse().map_err(Arc::new)))
    }
}

/// That what was named is no store.
#[derive(Debug)]
pub(crate) struct Misnamed(Arc<OpenError>);

impl fmt::Display for Misnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store's URL: {}", self.0)
    }
}

impl Error for Misnamed {}

/// Where stores that are servers live while a command waits for them on its own thread.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| Runtime::new().ok());

/// Waits for what must be done inside a runtime.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Error>> {
    let runtime = RUNTIME.as_ref().ok_or("the system gives this process no threads")?;
    Ok(runtime.block_on(work))
}

/// Opens the store beside the application that uses it, for looking only: nothing in it is changed.
pub(crate) fn read_only(store: &Named) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(wait(store.url()?.open_read_only())??)
}

/// Opens the store beside the application that uses it.
pub(crate) fn existing(store: &Named) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(wait(store.url()?.open_existing())??)
}
