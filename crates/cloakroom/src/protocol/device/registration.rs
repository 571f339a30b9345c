//! Registering a device: offered at a sign-in, in its response only.

use std::time::Duration;

use super::super::CLOCK_SLACK;
use super::{
    Authorization, Challenge, ChallengeFor, Challenger, PROOF_REPEATABLE_FOR, with_secret,
};
use crate::key::{DeviceKey, Verifier};
use crate::record::{BoundDevice, DeviceOffer, Record};
use crate::time::Timestamp;

/// How long after a sign-in a device can be registered.
pub const OFFER_OPEN_FOR: Duration = Duration::from_secs(10 * 60);

/// The record with an offer to bind the session, made at `now` by the sign-in that gave the session
/// its key.
pub fn offer_binding(record: &Record, seed: [u8; 16], now: Timestamp) -> Record {
    record.with(|fields| {
        let offer = DeviceOffer::new(now, seed, fields.credentials.family());
        fields.extensions = fields.extensions.with_device_offer(Some(offer));
    })
}

/// The offer, if a device can be registered now: no other sign-in and no `renew` has followed.
fn open_offer(record: &Record, now: Timestamp) -> Option<DeviceOffer> {
    let offer = record.device_offer()?;
    let is_open = now.since(offer.at) < OFFER_OPEN_FOR && offer.at.since(now) <= CLOCK_SLACK;
    let is_of_key = offer.family == record.credentials().family();
    let is_lasting = record.lifetime().outlives_browser();
    let is_settled = record.device().is_some_and(|device| device.is_confirmed);
    (is_open && is_of_key && is_lasting && !is_settled).then_some(offer)
}

/// What a browser is sent with a sign-in, to register a device with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the two parameters of one header")]
pub struct Registration {
    /// What the device has to sign.
    pub challenge: Challenge,
    /// For which session it is. The first that has it binds the session.
    pub authorization: Authorization,
}

/// What the browser is sent with the sign-in that has just been written, if its session is on offer
/// and no device is registered.
///
/// # Security
/// Send it in the response to the sign-in only: a later response can go to a copy of the cookie.
pub fn registration(
    record: &Record,
    challenger: Challenger<'_>,
    now: Timestamp,
) -> Option<Registration> {
    let offer = open_offer(record, now).filter(|_| record.device().is_none())?;
    Some(Registration {
        challenge: challenger.now(&offer.seed, ChallengeFor::Registration, now),
        authorization: challenger.authorization(&offer.seed),
    })
}

/// Whether a device that sends this authorization may be registered, if its proof is good.
pub fn is_authorized(
    record: &Record,
    challenger: Challenger<'_>,
    authorization: &Authorization,
    now: Timestamp,
) -> bool {
    open_offer(record, now)
        .is_some_and(|offer| challenger.authorization(&offer.seed) == *authorization)
}

/// Whether a device with this key that signed this challenge can be registered.
///
/// The first one counts: a registration replaces no other. It can be repeated for as long as a
/// proof can.
pub fn can_register(
    record: &Record,
    challenger: Challenger<'_>,
    key: &DeviceKey,
    challenge: &Challenge,
    now: Timestamp,
) -> bool {
    let Some(offer) = open_offer(record, now) else { return false };
    let is_repeated = |device: BoundDevice| {
        device.key == *key && now.since(device.bound_at) < PROOF_REPEATABLE_FOR
    };
    record.device().is_none_or(is_repeated)
        && challenger.is_recent(&offer.seed, ChallengeFor::Registration, challenge, now)
}

/// The record with this device, and a secret that opens the session for `life` from the first
/// registration on; `None` if the record has no room for the key.
///
/// It is no use of the session. The usual secrets still open it, until the binding is confirmed.
pub fn register_device(
    record: &Record,
    key: &DeviceKey,
    secret: Verifier,
    life: Duration,
    now: Timestamp,
) -> Option<Record> {
    let device = match record.device() {
        Some(device) => device,
        None => BoundDevice {
            key: key.clone(),
            is_confirmed: false,
            bound_at: now,
            proved_at: now,
            proofs: 0,
            seed: record.device_offer()?.seed,
            secrets: Vec::new(),
        },
    };
    let until = device.bound_at.after(life);
    with_secret(record, device, secret, life, now, until)
}

/// Whether a browser may just be registering a device for the session: it has signed in some
/// minutes ago, or was given its first bound secret.
///
/// A refresh of the binding before can still be on its way then. To be told that the session is
/// over would end the new binding, which has the same id.
pub fn is_being_bound(record: &Record, now: Timestamp) -> bool {
    match record.device() {
        Some(device) => now.since(device.bound_at) < OFFER_OPEN_FOR,
        None => open_offer(record, now).is_some(),
    }
}
