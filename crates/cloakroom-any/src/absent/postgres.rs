//! In the place of PostgreSQL, in a program that was built without it.

use std::sync::Arc;

use cloakroom::Store;

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::url::Purpose;

pub(crate) fn understand(_: Options) -> Result<(), OpenError> {
    Err(OpenError::not_built("PostgreSQL"))
}

pub(crate) async fn open(_: &str, _: Options, _: Purpose) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::not_built("PostgreSQL"))
}

pub(crate) async fn check(_: &str, _: Options) -> Result<Vec<Check>, OpenError> {
    Err(OpenError::not_built("PostgreSQL"))
}
