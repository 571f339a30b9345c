//! What the visitor's cookie has to become.

use std::time::Duration;

use crate::key::Key;
use crate::record::Record;
use crate::time::Timestamp;

/// What a response must say about the cookie.
///
/// A key is sent only by the step that minted or renewed it: repeating it later could overwrite a newer one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "an integration must treat every case")]
pub enum CookieChange {
    /// Nothing: the visitor's cookie is right, or better than what we know.
    #[default]
    Keep,
    /// This key, for this long; without a life until the browser closes.
    Send {
        /// The key.
        key: Key,
        /// How long it lasts.
        life: Option<Duration>,
    },
    /// Forget it.
    Remove,
}

impl CookieChange {
    /// The change that sends `key`, which opens `record`.
    pub fn send(key: Key, record: &Record, now: Timestamp) -> Self {
        Self::Send { key, life: cookie_life(record, now) }
    }
}

/// How long a cookie for this record lasts: as long as the record may, whatever the idle timeout, so that
/// a touch needs no new cookie.
pub fn cookie_life(record: &Record, now: Timestamp) -> Option<Duration> {
    record.lifetime().outlives_browser().then(|| record.absolute_deadline().since(now))
}
