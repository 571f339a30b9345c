//! The device that a session is bound to.

use super::Session;
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
}
