//! Sessions that are bound to a device: challenges, proofs, and the secrets that follow.
//!
//! ```text
//! login      an offer: the record gets a seed, the response a registration header
//! register   a device key and a first bound secret; the usual secrets still open the session
//! confirmed  a bound secret was presented or a proof accepted: the usual secrets have retired
//! refresh    a proof by the device's key gives another bound secret, good for minutes
//! ```
//!
//! A bound secret opens the session until its own deadline and is never renewed by being used.
//! Only a proof leads to a later deadline.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{CLOCK_SLACK, RENEWAL_GRACE, lifecycle};
use crate::key::{DeviceKey, PublicId, Verifier};
use crate::record::{
    BoundDevice, BoundSecret, DeviceOffer, MAX_BOUND_SECRETS, Record, RecordFields, RetiredSecret,
    Retirement,
};
use crate::time::Timestamp;

/// A challenge is good in its slot of time, in the one before (as clocks differ) and in the next.
///
/// One that is sent along with a cookie must still be good when that cookie ends.
pub const CHALLENGE_SLOT: Duration = Duration::from_secs(10 * 60);

/// How long a challenge is good once a proof of it has been accepted.
///
/// Browsers refresh in parallel, and send a proof again whose answer they did not get.
pub const PROOF_REPEATABLE_FOR: Duration = Duration::from_secs(30);

/// How long after a sign-in a device can be registered.
pub const OFFER_OPEN_FOR: Duration = Duration::from_secs(10 * 60);

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two occasions of a proof")]
pub enum ChallengeFor {
    /// Registering a device.
    Registration,
    /// A refresh, after this many accepted proofs.
    Refresh(u32),
}

/// What a device has to sign: 128 bits that only a holder of the record can make.
#[derive(Clone, Copy, Debug, Eq)]
pub struct Challenge([u8; 16]);

impl Challenge {
    /// No session's challenge.
    #[cfg(feature = "device-binding")]
    pub(crate) const UNKNOWN: Self = Self([0; 16]);

    /// The challenge of a slot of time.
    fn of(
        seed: &[u8; 16],
        server_key: Option<&[u8; 32]>,
        id: PublicId,
        purpose: ChallengeFor,
        slot: u64,
    ) -> Self {
        // One block of SHA-256: a server's key makes it secret from those who read the store.
        let mut key = [0; 64];
        key[..16].copy_from_slice(seed);
        if let Some(server_key) = server_key {
            key[16..48].copy_from_slice(server_key);
        }
        let (purpose, proofs) = match purpose {
            ChallengeFor::Registration => (0, 0),
            ChallengeFor::Refresh(proofs) => (1, proofs),
        };
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&key.into());
        mac.update(b"cloakroom device 1");
        mac.update(&[purpose]);
        mac.update(id.as_bytes());
        mac.update(&u32::to_be_bytes(proofs));
        mac.update(&slot.to_be_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Self(half)
    }

    /// Its text: 22 characters of base64url.
    pub fn text(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.0)
    }

    /// The challenge with this text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let decoded = Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        (decoded.len() == 16).then_some(Self(bytes))
    }
}

impl PartialEq for Challenge {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::hash::Hash for Challenge {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// What the challenges of a session are made from, apart from its record.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an argument with two parts")]
pub struct Challenger<'a> {
    /// The session.
    pub id: PublicId,
    /// The server's own key, if it has one.
    pub server_key: Option<&'a [u8; 32]>,
}

impl Challenger<'_> {
    fn now(&self, seed: &[u8; 16], purpose: ChallengeFor, now: Timestamp) -> Challenge {
        Challenge::of(seed, self.server_key, self.id, purpose, slot(now))
    }

    /// Whether this is the challenge of the present slot, or of one of its neighbours.
    fn is_recent(
        &self,
        seed: &[u8; 16],
        purpose: ChallengeFor,
        challenge: &Challenge,
        now: Timestamp,
    ) -> bool {
        let slot = slot(now);
        let slots = [Some(slot), slot.checked_sub(1), slot.checked_add(1)];
        slots
            .into_iter()
            .flatten()
            .any(|slot| Challenge::of(seed, self.server_key, self.id, purpose, slot) == *challenge)
    }
}

fn slot(now: Timestamp) -> u64 {
    now.as_millis() / u64::try_from(CHALLENGE_SLOT.as_millis()).unwrap_or(u64::MAX)
}

/// The record with an offer to bind the session, made at `now`.
pub fn offer_binding(record: &Record, seed: [u8; 16], now: Timestamp) -> Record {
    record.with(|fields| {
        let offer = DeviceOffer::new(now, seed);
        fields.extensions = fields.extensions.with_device_offer(Some(offer));
    })
}

/// The offer, if a device can be registered now.
fn open_offer(record: &Record, now: Timestamp) -> Option<DeviceOffer> {
    let offer = record.device_offer()?;
    let is_open = now.since(offer.at) < OFFER_OPEN_FOR && offer.at.since(now) <= CLOCK_SLACK;
    (is_open && !record.device().is_some_and(|device| device.is_confirmed)).then_some(offer)
}

/// The challenge with which a browser is asked to register, if it is to be asked: the session is on
/// offer, and no registration is under way.
///
/// A binding that was not confirmed within [`RENEWAL_GRACE`] may never have reached its browser.
pub fn registration_challenge(
    record: &Record,
    challenger: Challenger<'_>,
    now: Timestamp,
) -> Option<Challenge> {
    let offer = open_offer(record, now)?;
    let is_under_way = |device: BoundDevice| now.since(device.bound_at) < RENEWAL_GRACE;
    if record.device().is_some_and(is_under_way) {
        return None;
    }
    Some(challenger.now(&offer.seed, ChallengeFor::Registration, now))
}

/// Whether a device that signed this challenge can be registered.
///
/// A binding is never replaced by a registration once it is confirmed, and before that only if it
/// may never have reached its browser. The same key can be registered again: its answer was lost.
pub fn can_register(
    record: &Record,
    challenger: Challenger<'_>,
    key: &DeviceKey,
    challenge: &Challenge,
    now: Timestamp,
) -> bool {
    let Some(offer) = open_offer(record, now) else { return false };
    let gives_way =
        |device: BoundDevice| device.key == *key || now.since(device.bound_at) >= RENEWAL_GRACE;
    record.device().is_none_or(gives_way)
        && challenger.is_recent(&offer.seed, ChallengeFor::Registration, challenge, now)
}

/// The record with this device, and a secret that opens the session for `life`; `None` if the
/// record has no room for the key.
///
/// It is no use of the session. The usual secrets still open it, until the binding is confirmed.
pub fn register_device(
    record: &Record,
    key: &DeviceKey,
    secret: Verifier,
    life: Duration,
    now: Timestamp,
) -> Option<Record> {
    let (record, same) = match record.device() {
        Some(device) if device.key == *key => (record.clone(), Some(device)),
        // What another device was given may never have arrived.
        _ => (release_device(record, now), None),
    };
    let device = match same {
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
    with_secret(&record, device, secret, life, now, now.after(life))
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

/// The challenge for the next refresh of a bound session.
pub fn refresh_challenge(
    device: &BoundDevice,
    challenger: Challenger<'_>,
    now: Timestamp,
) -> Challenge {
    challenger.now(&device.seed, ChallengeFor::Refresh(device.proofs), now)
}

/// What a challenge is that a device has signed for a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum ChallengeStatus {
    /// The present one.
    Current,
    /// The one before, of which a proof was accepted a moment ago.
    Previous,
    /// An older one, or none of this session's.
    Stale,
}

/// What this challenge is to the session.
pub fn judge_challenge(
    device: &BoundDevice,
    challenger: Challenger<'_>,
    challenge: &Challenge,
    now: Timestamp,
) -> ChallengeStatus {
    let is_of =
        |proofs| challenger.is_recent(&device.seed, ChallengeFor::Refresh(proofs), challenge, now);
    if is_of(device.proofs) {
        return ChallengeStatus::Current;
    }
    let is_repeatable = now.since(device.proved_at) < PROOF_REPEATABLE_FOR
        && device.proved_at.since(now) <= CLOCK_SLACK;
    match device.proofs.checked_sub(1) {
        Some(before) if is_repeatable && is_of(before) => ChallengeStatus::Previous,
        _ => ChallengeStatus::Stale,
    }
}

/// The record after a proof of this challenge, with another secret; `None` if there is no room for
/// one, because too many are on their way.
///
/// It is no use of the session: the idle timeout counts on. A proof that is sent again leads to no
/// later deadline than the first.
pub fn accept_proof(
    record: &Record,
    challenge: ChallengeStatus,
    secret: Verifier,
    life: Duration,
    now: Timestamp,
) -> Option<Record> {
    let record = confirm_device(record, now);
    let mut device = record.device()?;
    if challenge == ChallengeStatus::Current {
        device.proofs = device.proofs.wrapping_add(1);
        device.proved_at = now;
    }
    let until = device.proved_at.after(life);
    with_secret(&record, device, secret, life, now, until)
}

/// The record with another bound secret. Those that are over give way, and then the oldest, unless
/// it may not have reached its browser yet.
fn with_secret(
    record: &Record,
    mut device: BoundDevice,
    secret: Verifier,
    life: Duration,
    now: Timestamp,
    until: Timestamp,
) -> Option<Record> {
    device.secrets.sort_by_key(|secret| secret.until);
    let mut removed = Vec::new();
    while device.secrets.first().is_some_and(|oldest| is_closed(oldest.until, now)) {
        removed.push(device.secrets.remove(0));
    }
    if device.secrets.len() >= MAX_BOUND_SECRETS {
        let oldest = device.secrets.first()?;
        if now.after(life).since(oldest.until) < RENEWAL_GRACE {
            return None;
        }
        removed.push(device.secrets.remove(0));
    }
    device.secrets.push(BoundSecret::new(secret, until));
    let extensions = record.extensions().with_device(&device)?;
    Some(record.with(|fields| {
        fields.extensions = extensions;
        for secret in removed {
            // One that is over was not replaced a moment ago: its holder is to prove who they are.
            let is_over = is_closed(secret.until, now);
            retire_bound(fields, &secret, if is_over { Timestamp::EPOCH } else { now });
        }
    }))
}

/// The record once its binding is confirmed: only bound secrets open it from then on.
///
/// The key family stays, so that open pages and detached sessions go on.
pub fn confirm_device(record: &Record, now: Timestamp) -> Record {
    let Some(mut device) = record.device().filter(|device| !device.is_confirmed) else {
        return record.clone();
    };
    device.is_confirmed = true;
    let Some(extensions) = record.extensions().with_device_offer(None).with_device(&device) else {
        return record.clone();
    };
    record.with(|fields| {
        fields.extensions = extensions;
        let old = fields.credentials.clone();
        let mut credentials = old.clone().with_successor(None).with_family(Some(old.family()));
        let derived = old.successor().map(|successor| successor.verifier);
        for verifier in [Some(old.current), derived].iter().flatten() {
            let retired = RetiredSecret::new(verifier, now, Retirement::SignIn);
            credentials = credentials.with_retired(retired);
        }
        credentials.current = Verifier::NONE;
        fields.credentials = credentials;
    })
}

/// The record as it is used by a request that presented a bound secret for the first time.
pub fn confirm_device_by_use(record: &Record, now: Timestamp) -> Record {
    lifecycle::used(&confirm_device(record, now), now)
}

/// The record without its device: a sign-in drops the binding. Its secrets open nothing more.
///
/// A confirmed one leaves no usual secret either: the caller gives the session another.
pub fn release_device(record: &Record, now: Timestamp) -> Record {
    let Some(device) = record.device() else { return record.clone() };
    record.with(|fields| {
        fields.extensions = fields.extensions.without_device();
        for secret in &device.secrets {
            retire_bound(fields, secret, now);
        }
    })
}

/// The record of a bound session under a fresh secret, for as long as the presented one would have
/// opened it: `renew`. `None` if the presented secret is none of its bound ones.
pub fn renew_bound(
    record: &Record,
    presented: &Verifier,
    fresh: Verifier,
    now: Timestamp,
) -> Option<Record> {
    let record = lifecycle::used(&confirm_device(record, now), now);
    let mut device = record.device()?;
    let until = device.until(presented)?;
    let old = std::mem::replace(&mut device.secrets, vec![BoundSecret::new(fresh, until)]);
    let extensions = record.extensions().with_device(&device)?;
    Some(record.with(|fields| {
        fields.extensions = extensions;
        for secret in &old {
            retire_bound(fields, secret, now);
        }
        let credentials = fields.credentials.clone().after_sign_in();
        fields.credentials = credentials.with_family(Some(fresh.family()));
    }))
}

/// Remembers a bound secret that opens the session no more, and the key family that it had.
fn retire_bound(fields: &mut RecordFields, secret: &BoundSecret, at: Timestamp) {
    let family = fields.credentials.family();
    let retired = RetiredSecret::new(&secret.verifier, at, Retirement::SignIn);
    fields.credentials = fields.credentials.clone().with_retired(retired);
    fields.extensions = fields.extensions.with_family_of(&secret.verifier, family);
}

/// Whether a bound secret with this deadline opens nothing any more. Nodes' clocks differ.
pub(super) fn is_closed(until: Timestamp, now: Timestamp) -> bool {
    until.after(CLOCK_SLACK).has_passed(now)
}

/// Whether the session's holder can open it now without a proof.
pub fn is_open_without_proof(record: &Record, now: Timestamp) -> bool {
    record
        .device()
        .is_none_or(|device| !device.is_confirmed || !is_closed(device.open_until(), now))
}
