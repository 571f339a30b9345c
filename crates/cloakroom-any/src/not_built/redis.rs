//! Replaces `redis.rs` in a program that is built without Redis.

use std::sync::Arc;

use cloakroom::Store;

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;

pub(crate) fn validate(_: &str, _: Options) -> Result<(), OpenError> {
    Err(OpenError::not_built("Redis"))
}

pub(crate) async fn open(_: &str, _: Options) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::not_built("Redis"))
}

pub(crate) async fn check(_: &str, _: Options) -> Result<Vec<Check>, OpenError> {
    Err(OpenError::not_built("Redis"))
}
