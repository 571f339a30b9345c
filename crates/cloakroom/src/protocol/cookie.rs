//! What a response must do to the client's cookie.

use std::time::Duration;

use crate::key::Key;
use crate::record::Record;
use crate::time::Timestamp;

/// What a response must do to the client's cookie.
///
/// A key is sent only by the step that minted or renewed it: sent later, it could overwrite a newer
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "an integration must handle every case")]
pub enum CookieChange {
    /// Nothing: the client's cookie is current, or newer than what this request knows.
    #[default]
    Keep,
    /// Send a key: in the cookie, unless it is a bearer key, which the application sends.
    Send {
        /// The key to set it to.
        key: Key,
        /// The cookie's `Max-Age`; if `None`, it ends with the browser session.
        life: Option<Duration>,
    },
    /// Remove the cookie.
    Remove,
}

impl CookieChange {
    /// The change that sets the cookie to `key`, which opens `record`.
    pub fn send(key: Key, record: &Record, now: Timestamp) -> Self {
        let bound = record.device().and_then(|device| device.until(&key.verifier(record.kind())));
        let life = match bound {
            // A browser refreshes a bound cookie once it has ended.
            Some(until) => Some(until.since(now)),
            None => cookie_life(record, now),
        };
        Self::Send { key, life }
    }
}

/// How long the cookie of this record lasts; `None` if it ends with the browser session.
///
/// It lasts until the absolute deadline whatever the idle timeout, so that a touch needs no new
/// cookie, and longer if the record says that it was sent for longer.
fn cookie_life(record: &Record, now: Timestamp) -> Option<Duration> {
    let until = record.longest_deadline().max(record.credentials().cookie_until);
    record.lifetime().outlives_browser().then(|| until.since(now))
}
