//! The fields of a record.

use super::{Credentials, Extensions, Revision};
use crate::key::KindTag;
use crate::policy::{Assurance, ClientInfo, LONGEST, Lifetime, Principal};
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
        self.lifetime = lifetime.kept();
        self.idle_deadline = lifetime.idle_deadline(now);
        self.absolute_deadline = lifetime.absolute_deadline(now);
    }

    /// When the session ends if it is used from now on; the cookie must last as long.
    pub(crate) fn longest_deadline(&self) -> Timestamp {
        if self.lifetime.is_explicit() {
            self.idle_deadline.min(self.absolute_deadline)
        } else {
            self.absolute_deadline
        }
    }

    /// When the cookie ends, if it is sent now.
    ///
    /// An explicit expiry tends to be given again and again ("30 minutes from now"): its cookie
    /// lives twice the span, so that not every extension needs a new key.
    pub(crate) fn cookie_deadline(&self, now: Timestamp) -> Timestamp {
        let deadline = self.longest_deadline();
        if self.lifetime.is_explicit() {
            now.after(2 * deadline.since(now)).min(now.after(LONGEST)).max(deadline)
        } else {
            deadline
        }
    }
}
