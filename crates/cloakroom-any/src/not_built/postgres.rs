//! Replaces `postgres.rs` in a program that is built without PostgreSQL.

use std::sync::Arc;

use cloakroom::Store;

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::url::Mode;

pub(crate) fn validate(_: Options) -> Result<(), OpenError> {
    Err(OpenError::not_built("PostgreSQL"))
}

pub(crate) async fn open(_: &str, _: Options, _: Mode) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::not_built("PostgreSQL"))
}

pub(crate) async fn check(_: &str, _: Options) -> Result<Vec<Check>, OpenError> {
    Err(OpenError::not_built("PostgreSQL"))
}
