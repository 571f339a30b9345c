//! Replaces `sqlite.rs` in a program that is built without SQLite.

use std::path::Path;
use std::sync::Arc;

use cloakroom::Store;

use crate::check::Check;
use crate::error::OpenError;
use crate::sqlite_url::Access;
use crate::url::Mode;

pub(crate) fn open(_: &Path, _: Access, _: Mode) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::not_built("SQLite"))
}

pub(crate) fn check(_: &Path) -> Result<Vec<Check>, OpenError> {
    Err(OpenError::not_built("SQLite"))
}
