//! A session as a list shows it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::key::PublicId;
use crate::policy::{Assurance, ClientInfo, Lifetime};
use crate::record::{BoundDevice, Record};
use crate::time::Timestamp;
use crate::value::TypedValue;

/// One session of a principal, as [`Sessions::list`](crate::Sessions::list) returns it: a snapshot.
///
/// It has no key: a list allows ending sessions by their ids, not opening them.
pub struct Summary<V> {
    id: PublicId,
    record: Record,
    value: Option<Arc<TypedValue<V>>>,
}

impl<V> Summary<V> {
    pub(crate) const fn new(
        id: PublicId,
        record: Record,
        value: Option<Arc<TypedValue<V>>>,
    ) -> Self {
        Self { id, record, value }
    }

    /// The session's public id.
    pub fn id(&self) -> PublicId {
        self.id
    }

    /// When the session was created.
    pub fn created(&self) -> Timestamp {
        self.record.created()
    }

    /// When the user last signed in on it.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.record.authenticated_at()
    }

    /// How strong that sign-in was.
    pub fn assurance(&self) -> Assurance {
        self.record.assurance()
    }

    /// When the key was last renewed, if ever; see [`Record::renewed_at`].
    pub fn renewed_at(&self) -> Option<Timestamp> {
        self.record.renewed_at()
    }

    /// The device to which the session is bound, if it is.
    pub fn device(&self) -> Option<BoundDevice> {
        self.record.device()
    }

    /// What is recorded about the client: its label, user agent and address.
    pub fn client(&self) -> &ClientInfo {
        self.record.client()
    }

    /// The session's lifetime.
    pub fn lifetime(&self) -> &Lifetime {
        self.record.lifetime()
    }

    /// When the session was last used, as far as that is recorded; see [`Record::last_seen`].
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.record.last_seen()
    }

    /// How long after `now` the session ends if it is not used again.
    pub fn expires_in(&self, now: Timestamp) -> Duration {
        self.record.expires_at().since(now)
    }

    /// The value; `None` if it was never set, or cannot be decoded.
    pub fn value(&self) -> Option<&V> {
        self.value.as_ref().map(|typed_value| &typed_value.value)
    }
}

impl<V> fmt::Debug for Summary<V> {
    /// Shows the id, never the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Summary({})", self.id)
    }
}
