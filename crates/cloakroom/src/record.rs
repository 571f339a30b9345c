//! What a store keeps under a [`PublicId`](crate::PublicId), for authors of stores.
//!
//! An entry is a [`Stored`]: the [`Record`] of a live session, or the [`Tombstone`] of one that was
//! ended. A store keeps it as it is, or as the bytes of [`Stored::to_bytes`], and compares
//! [`Revision`]s. Only [`protocol`](crate::protocol) changes what a record says.

mod credentials;
mod ending;
mod extensions;
mod fields;
mod migration;
mod stored;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

pub use credentials::{Credentials, MAX_RETIRED, RetiredSecret, Retirement, Successor};
pub use ending::{EndReason, Ending, Tombstone};
pub(crate) use extensions::Extensions;
pub use extensions::{BoundDevice, BoundSecret, DeviceOffer, MAX_BOUND_SECRETS, SignInTrace};
pub(crate) use fields::RecordFields;
pub use migration::MigrationState;
pub use stored::Stored;
pub use wire::DecodeError;

use crate::key::KindTag;
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::time::Timestamp;
use crate::value::{CodecError, Payload};

/// Orders the writes of a record and identifies each of them: what compare-and-swap compares.
///
/// The count says which of two writes is newer. The token is random, so that a write whose answer
/// was lost can tell whether it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    count: u64,
    token: u64,
}

impl Revision {
    /// The revision with this count and token.
    pub const fn new(count: u64, token: u64) -> Self {
        Self { count, token }
    }

    /// The number of writes that the record has seen.
    pub const fn count(self) -> u64 {
        self.count
    }

    /// The token of the last write.
    pub const fn token(self) -> u64 {
        self.token
    }

    /// The revision of the next write, identified by `token`.
    pub(crate) const fn next(self, token: u64) -> Self {
        Self { count: self.count.saturating_add(1), token }
    }
}

/// The stored state of a live session; cheap to clone.
///
/// A store reads the accessors to index entries and to remove old ones, and decides nothing else by
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record(Arc<RecordFields>);

impl Record {
    pub(crate) fn new(fields: RecordFields) -> Self {
        Self(Arc::new(fields))
    }

    /// The revision of the last write.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// When the session ends unless it is used; the only field that
    /// [`Store::touch`](crate::Store::touch) changes.
    pub fn idle_deadline(&self) -> Timestamp {
        self.0.idle_deadline
    }

    /// When the session ends even if it is used.
    pub fn absolute_deadline(&self) -> Timestamp {
        self.0.absolute_deadline
    }

    /// When the session ends if it is used from now on; the cookie must last as long.
    pub(crate) fn longest_deadline(&self) -> Timestamp {
        self.0.longest_deadline()
    }

    /// When the cookie ends, if it is sent now.
    pub(crate) fn cookie_deadline(&self, now: Timestamp) -> Timestamp {
        self.0.cookie_deadline(now)
    }

    /// The earlier of the two deadlines; from then on a store can remove the record.
    pub fn expires_at(&self) -> Timestamp {
        self.0.idle_deadline.min(self.0.absolute_deadline)
    }

    /// When the session began.
    pub fn created(&self) -> Timestamp {
        self.0.created
    }

    /// When the session was last used; `None` without an idle timeout, where uses are not recorded.
    ///
    /// Uses are recorded once per tenth of the idle timeout: the last use can be that much later.
    pub fn last_seen(&self) -> Option<Timestamp> {
        let idle = self.0.lifetime.idle_timeout().filter(|_| !self.0.lifetime.is_explicit())?;
        let used = self.0.idle_deadline.since(Timestamp::EPOCH).saturating_sub(idle);
        Some(Timestamp::EPOCH.after(used).max(self.0.created))
    }

    /// When the user last proved who they are, at a first or a later sign-in; `None` if they never
    /// did.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        Some(self.0.authenticated_at).filter(|at| *at != Timestamp::EPOCH)
    }

    /// How strong the proof of the last sign-in was, on the application's own scale.
    pub fn assurance(&self) -> Assurance {
        self.0.assurance
    }

    /// When the key was last renewed, on a timer or by `login` or `renew`; `None` if it never was.
    ///
    /// A timed renewal counts from the moment at which the old secret retired.
    pub fn renewed_at(&self) -> Option<Timestamp> {
        let retired = self.0.credentials.retired().iter().map(|retired| retired.at);
        // A secret of a bound session that was over when it retired has no time.
        retired.filter(|at| *at != Timestamp::EPOCH).max()
    }

    /// What is known about the client that holds the key.
    pub fn client(&self) -> &ClientInfo {
        &self.0.client
    }

    /// The session's lifetime, which every later write keeps.
    pub fn lifetime(&self) -> &Lifetime {
        &self.0.lifetime
    }

    /// The kind of session, which never changes.
    pub fn kind(&self) -> KindTag {
        self.0.kind
    }

    /// Who is signed in, if anyone.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// The session's value.
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// What the record keeps of the session's secrets.
    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    /// How the last sign-in derived the session's secret, if that is remembered.
    pub fn sign_in_trace(&self) -> Option<SignInTrace> {
        self.0.extensions.sign_in()
    }

    /// The device to which the session is bound, if it is bound to one.
    pub fn device(&self) -> Option<BoundDevice> {
        self.0.extensions.device()
    }

    /// The offer to bind the session to a device, if one was made and none has been bound since.
    pub fn device_offer(&self) -> Option<DeviceOffer> {
        self.0.extensions.device_offer()
    }

    /// About how many bytes of memory its texts, its retired secrets and its extensions take.
    pub(crate) fn memory(&self) -> usize {
        let principal = self.principal().map_or(0, |name| name.as_str().len());
        principal
            + self.0.client.memory()
            + self.0.credentials.memory()
            + self.0.extensions.memory()
    }

    /// What the record remembers in addition to its fields.
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// This record with another idle deadline, as a store keeps it after a `touch`.
    #[must_use = "the changed record is returned"]
    pub fn with_idle_deadline(self, deadline: Timestamp) -> Self {
        self.edited(|fields| fields.idle_deadline = deadline)
    }

    /// This record with its payload as bytes, as a store outside the process returns it.
    ///
    /// # Errors
    /// [`CodecError`] if the codec cannot write the value.
    pub fn with_encoded_payload(self) -> Result<Self, CodecError> {
        let payload = self.0.payload.to_bytes()?.map_or(Payload::unset(), Payload::from_bytes);
        Ok(self.edited(|fields| fields.payload = payload))
    }

    /// The tombstone that a store keeps once this session is ended.
    pub fn ended(&self, ending: Ending) -> Tombstone {
        let fields = &self.0;
        let (credentials, principal) = (fields.credentials.clone(), fields.principal.clone());
        Tombstone::new(credentials, principal, fields.extensions.clone(), ending)
    }

    /// A changed copy of this record.
    pub(crate) fn with(&self, change: impl FnOnce(&mut RecordFields)) -> Self {
        let mut fields = RecordFields::clone(&self.0);
        change(&mut fields);
        Self::new(fields)
    }

    /// This record after `change`, in place if no other handle shares it.
    pub(crate) fn edited(mut self, change: impl FnOnce(&mut RecordFields)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}
