//! All that is known of a live session, in one piece that its holders share.

use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::record::{Credentials, Revision};
use crate::time::Timestamp;
use crate::value::Payload;

/// What a [`Record`](super::Record) holds. There are as many of these as sessions: no byte more than needed.
#[derive(Clone, Debug)]
pub(crate) struct RecordFields {
    pub(crate) revision: Revision,
    pub(crate) idle_deadline: Timestamp,
    pub(crate) absolute_deadline: Timestamp,
    pub(crate) created: Timestamp,
    /// The epoch if nobody ever signed in.
    pub(crate) authenticated_at: Timestamp,
    pub(crate) lifetime: Lifetime,
    pub(crate) credentials: Credentials,
    pub(crate) principal: Option<Principal>,
    pub(crate) client: ClientInfo,
    pub(crate) payload: Payload,
    pub(crate) assurance: Assurance,
}

impl RecordFields {
    /// Gives the session this lifetime, counted from now.
    pub(crate) fn live(&mut self, lifetime: Lifetime, now: Timestamp) {
        self.lifetime = lifetime;
        self.idle_deadline = lifetime.idle_deadline(now);
        self.absolute_deadline = lifetime.absolute_deadline(now);
    }
}
