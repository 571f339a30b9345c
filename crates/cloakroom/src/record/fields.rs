//! The fields of a record.

use super::{Credentials, Extensions, Revision};
use crate::key::KindTag;
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::time::Timestamp;
use crate::value::Payload;

/// What a [`Record`](super::Record) holds; kept small, since there is one for each session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RecordFields {
    pub(crate) revision: Revision,
    pub(crate) idle_deadline: Timestamp,
    pub(crate) absolute_deadline: Timestamp,
    pub(crate) created: Timestamp,
    /// [`Timestamp::EPOCH`] if no one ever signed in.
    pub(crate) authenticated_at: Timestamp,
    pub(crate) lifetime: Lifetime,
    pub(crate) credentials: Credentials,
    pub(crate) principal: Option<Principal>,
    pub(crate) client: ClientInfo,
    pub(crate) payload: Payload,
    pub(crate) assurance: Assurance,
    pub(crate) extensions: Extensions,
    pub(crate) kind: KindTag,
}

impl RecordFields {
    /// Gives the session this lifetime, counted from now.
    pub(crate) fn set_lifetime(&mut self, lifetime: Lifetime, now: Timestamp) {
        self.lifetime = lifetime;
        self.idle_deadline = lifetime.idle_deadline(now);
        self.absolute_deadline = lifetime.absolute_deadline(now);
    }
}
