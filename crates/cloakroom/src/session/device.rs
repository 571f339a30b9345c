//! The device that a session is bound to.

use std::time::Duration;

use super::Session;
use crate::protocol::bound_until;
use crate::record::BoundDevice;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// The device to which the session is bound, if it is; see
    /// [`DeviceBinding`](crate::policy::DeviceBinding).
    ///
    /// Until it [is confirmed](BoundDevice::is_confirmed), a copy of the key from the sign-in opens
    /// the session, too.
    pub fn device(&self) -> Option<BoundDevice> {
        self.loaded().and_then(|loaded| loaded.record.device())
    }

    /// How long the key of this request opens the session until the device has to prove again that
    /// it has its key; `None` if it is not the key of a bound session.
    pub fn proof_needed_in(&self) -> Option<Duration> {
        let loaded = self.loaded()?;
        let verifier = loaded.key()?.verifier(loaded.record.kind());
        let now = self.manager().now();
        Some(bound_until(&loaded.record, &verifier, now)?.since(now))
    }
}
