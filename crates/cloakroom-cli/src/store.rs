//! The store that a command works on.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use cloakroom::Store;
use cloakroom_any::{OpenError, OpenErrorKind, StoreUrl};
use tokio::runtime::Runtime;

/// The help text of `--store`.
pub(crate) const HELP: &str = "The store: sqlite:PATH, postgres://HOST/DATABASE or redis://HOST";

/// A store's URL, from the command line or the environment.
///
/// An invalid URL is reported when it is used: clap's own error would repeat it, password included.
#[derive(Clone, Debug)]
pub(crate) struct StoreArg(Result<StoreUrl, Arc<OpenError>>);

impl StoreArg {
    pub(crate) fn of(url: &str) -> Self {
        Self(url.parse().map_err(Arc::new))
    }

    pub(crate) fn url(&self) -> Result<&StoreUrl, InvalidUrl> {
        self.0.as_ref().map_err(|error| InvalidUrl(Arc::clone(error)))
    }
}

impl FromStr for StoreArg {
    type Err = Infallible;

    fn from_str(url: &str) -> Result<Self, Infallible> {
        Ok(Self::of(url))
    }
}

/// The given URL is not a store's.
#[derive(Debug)]
pub(crate) struct InvalidUrl(Arc<OpenError>);

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid store URL: {}", self.0)
    }
}

impl Error for InvalidUrl {}

/// Whether a store could not be opened because of its URL.
pub(crate) fn is_url_error(error: &(dyn Error + 'static)) -> bool {
    let refused = error.downcast_ref::<OpenError>();
    error.is::<InvalidUrl>() || refused.is_some_and(|error| error.kind() == OpenErrorKind::Url)
}

/// Drives the connections of stores that are servers while a command waits on its own thread.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| Runtime::new().ok());

/// Runs a future to completion on this process's runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Error>> {
    let runtime = RUNTIME.as_ref().ok_or("cannot start the threads of the async runtime")?;
    Ok(runtime.block_on(future))
}

/// Opens a store that exists, for reading only: nothing in it changes.
pub(crate) fn open_read_only(store: &StoreArg) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(block_on(store.url()?.open_read_only())??)
}

/// Opens a store that exists.
pub(crate) fn open(store: &StoreArg) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(block_on(store.url()?.open_existing())??)
}
