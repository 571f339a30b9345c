//! What the browser and the attacker keep.

use cloakroom::protocol::{Challenge, Registration};

use crate::model_key::ModelKey;

/// The browser: its cookie, its device, and what it is still to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Browser {
    /// The cookie, and when it ends, in seconds after the start.
    pub(super) cookie: Option<(ModelKey, Option<u64>)>,
    /// The device of its bound session, by the number of the request that registered it.
    pub(super) device: Option<u8>,
    /// The challenge that it signs next.
    pub(super) challenge: Option<Challenge>,
    /// A registration that it was asked for.
    pub(super) offer: Option<Registration>,
    /// Whether it has the cookie that names its bound session.
    pub(super) is_marked: bool,
}

impl Browser {
    /// The key that it sends at this time.
    pub(super) fn key(&self, at: u64) -> Option<&ModelKey> {
        let (key, until) = self.cookie.as_ref()?;
        until.is_none_or(|until| at < until).then_some(key)
    }

    /// Whether a request waits until the cookie has been refreshed.
    pub(super) fn must_refresh(&self, at: u64) -> bool {
        self.device.is_some() && self.key(at).is_none()
    }
}

/// The attacker, who keeps a cookie for as long as they like, and has no device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Attacker {
    pub(super) key: Option<ModelKey>,
    /// Until when what was copied can be good, in seconds after the start; `None` if the session
    /// was not bound when it was copied.
    pub(super) until: Option<u64>,
}
