//! The store that tower-sessions has used until now, of any version.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::Failure;
use crate::state::Data;

/// A store of one version of tower-sessions.
#[async_trait]
pub(crate) trait OldStore: fmt::Debug + Send + Sync + 'static {
    /// The id in a cookie's value.
    fn id(&self, cookie: &str) -> Option<i128>;

    /// The data of a session, and when it ends.
    async fn load(&self, id: i128) -> Result<Option<(Data, OffsetDateTime)>, Failure>;

    async fn delete(&self, id: i128) -> Result<(), Failure>;
}
