//! What operations are given apart from the store's answers.

use std::io;

use super::super::{Failure, RequestOrigin, Rules};
use crate::key::{Carrier, Key, KindTag, PublicId};
use crate::observe::Event;
use crate::policy::{
    ClientInfo, DeviceBinding, Lifetime, ReusePolicy, SameSite, SessionLimit, UnreadablePolicy,
};
use crate::time::Timestamp;
use crate::value::{CodecError, Payload};

/// What operations are given apart from the store's answers: policy, time, randomness, and the
/// request they belong to.
///
/// An operation decides the same in every context that returns the same.
pub trait Context {
    /// A decoded value, cheap to clone.
    type Value: Clone + PartialEq;

    /// The decisions.
    type Rules: Rules + ?Sized;

    /// The decisions.
    fn rules(&self) -> &Self::Rules;

    /// The policy of this kind of session.
    fn policy(&self) -> &Policy;

    /// The time.
    fn now(&self) -> Timestamp;

    /// A token that no other write has.
    fn token(&self) -> u64;

    /// Random bytes.
    ///
    /// # Errors
    /// If the system has none.
    fn random(&self) -> io::Result<[u8; 16]>;

    /// A key for a session that does not exist yet.
    ///
    /// # Errors
    /// [`Failure::Randomness`].
    fn new_key(&self) -> Result<Key, Failure>;

    /// The key under which this request's first write creates a session, so that two handles
    /// create one.
    ///
    /// # Errors
    /// [`Failure::HeadersSent`], [`Failure::Randomness`].
    fn first_key(&self) -> Result<Key, Failure>;

    /// Forgets the [`first_key`](Context::first_key), whose id is taken or ended.
    fn forget_first_key(&self);

    /// Whether writers of this process wait for their turn to change the session.
    fn has_waiting_writers(&self, id: PublicId) -> bool;

    /// Takes back a key that the response was to send: it opens its session no more. The request's
    /// other handles can have put another one in its place.
    fn retract_key(&self, key: &Key);

    /// The lifetime of new sessions.
    fn lifetime(&self) -> Lifetime;

    /// What the request says about its client.
    fn client(&self) -> ClientInfo;

    /// Whether the response can still send a key.
    fn can_send_key(&self) -> bool;

    /// Whether the client takes a renewed cookie key.
    fn can_renew(&self) -> bool;

    /// Which site started the request.
    fn origin(&self) -> RequestOrigin;

    /// The value of a session that was given none.
    fn default_value(&self) -> Self::Value;

    /// The payload with this value, in place of another one. It can be read back.
    ///
    /// # Errors
    /// [`CodecError`] if it could not be, or is too large.
    fn payload(&self, value: &Self::Value, replaced: &Payload) -> Result<Payload, CodecError>;

    /// The value of a payload.
    ///
    /// # Errors
    /// [`CodecError`] if it cannot be decoded.
    fn decode(&self, payload: &Payload) -> Result<Option<Self::Value>, CodecError>;

    /// Reports an event.
    fn report(&self, event: &Event<'_>);
}

/// What one kind of session is decided by.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the runner and by checkers only")]
pub struct Policy {
    /// The kind of session.
    pub kind: KindTag,
    /// What to do about a copied key.
    pub reuse: ReusePolicy,
    /// What to do about a session that cannot be read.
    pub unreadable: UnreadablePolicy,
    /// When browsers send the cookie; `None` if keys do not travel in one.
    pub same_site: Option<SameSite>,
    /// Whether bearer keys are accepted.
    pub bearer: bool,
    /// How many sessions one principal can have.
    pub limit: Option<SessionLimit>,
    /// Whether sessions are bound to devices.
    pub device: Option<DeviceBinding>,
}

impl Policy {
    /// How a key travels that is minted for nothing in particular.
    pub(crate) const fn carrier(&self) -> Carrier {
        match self.same_site {
            Some(_) => Carrier::Cookie,
            None => Carrier::Bearer,
        }
    }
}

/// The value of session `id`. One that cannot be decoded is reported.
#[inline]
pub(super) fn decode<C: Context>(
    context: &C,
    id: PublicId,
    payload: &Payload,
) -> Result<Option<C::Value>, CodecError> {
    let decoded = context.decode(payload);
    if let Err(error) = &decoded {
        context.report(&Event::Unreadable { id, error });
    }
    decoded
}
