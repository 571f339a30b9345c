//! A session as a list shows it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::key::PublicId;
use crate::policy::{Assurance, ClientInfo, Lifetime};
use crate::record::Record;
use crate::time::Timestamp;
use crate::value::TypedValue;

/// One of somebody's sessions, as [`Sessions::list`](crate::Sessions::list) shows it: a copy, read a moment ago.
///
/// It has no key: whoever sees a list can end sessions by their ids, and open none.
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

    /// The session's public name.
    pub fn id(&self) -> PublicId {
        self.id
    }

    /// When it began.
    pub fn created(&self) -> Timestamp {
        self.record.created()
    }

    /// When its visitor last proved who they are on it.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.record.authenticated_at()
    }

    /// How well they proved it.
    pub fn assurance(&self) -> Assurance {
        self.record.assurance()
    }

    /// When its key was last renewed, if ever; see [`Record::renewed_at`].
    pub fn renewed_at(&self) -> Option<Timestamp> {
        self.record.renewed_at()
    }

    /// What is known of the client that holds its key: the name its visitor gave it, user agent, address.
    pub fn client(&self) -> &ClientInfo {
        self.record.client()
    }

    /// The lifetime it was given.
    pub fn lifetime(&self) -> &Lifetime {
        self.record.lifetime()
    }

    /// When it was last used, by the last use noted; see [`Record::last_seen`].
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.record.last_seen()
    }

    /// How long it lives from `now` on if nobody uses it again.
    pub fn expires_in(&self, now: Timestamp) -> Duration {
        self.record.expires_at().since(now)
    }

    /// Its value; `None` if it was never given one, or one that can't be decoded.
    pub fn value(&self) -> Option<&V> {
        self.value.as_ref().map(|typed_value| &typed_value.value)
    }
}

impl<V> fmt::Debug for Summary<V> {
    /// Never shows the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Summary({})", self.id)
    }
}
