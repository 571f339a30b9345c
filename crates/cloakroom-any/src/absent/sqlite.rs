//! In the place of SQLite, in a program that was built without it.

use std::path::Path;
use std::sync::Arc;

use cloakroom::Store;

use crate::check::Check;
use crate::error::OpenError;
use crate::url::Purpose;

pub(crate) fn open(_: &Path, _: Purpose) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::not_built("SQLite"))
}

pub(crate) fn check(_: &Path) -> Result<Vec<Check>, OpenError> {
    Err(OpenError::not_built("SQLite"))
}
