//! What a record remembers of the device to which its session is bound.

use std::fmt;

use super::Extensions;
use crate::key::{Algorithm, DeviceKey, KeyFamily, Verifier};
use crate::time::Timestamp;

const OFFER: u8 = 3;
pub(in crate::record) const DEVICE: u8 = 4;

const IS_CONFIRMED: u8 = 1;

/// How many secrets can open a bound session at once.
///
/// Each refresh gives the browser another one, and several can be on their way at the same time.
pub const MAX_BOUND_SECRETS: usize = 4;

/// An offer to bind the session to a device, made at a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DeviceOffer {
    /// When it was made.
    pub at: Timestamp,
    /// What challenges are made from. It never leaves the record.
    pub(crate) seed: [u8; 16],
    /// The key family of that sign-in: the offer ends with it.
    pub(crate) family: KeyFamily,
}

impl DeviceOffer {
    pub(crate) const fn new(at: Timestamp, seed: [u8; 16], family: KeyFamily) -> Self {
        Self { at, seed, family }
    }
}

impl fmt::Debug for DeviceOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceOffer({:?})", self.at)
    }
}

/// The device to which a session is bound: the browser's key pair.
///
/// Until the binding is confirmed, the session is open to its usual secrets, too.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BoundDevice {
    /// The public key.
    pub key: DeviceKey,
    /// Whether the browser has used what it was given at the registration.
    pub is_confirmed: bool,
    /// When the device was registered.
    pub bound_at: Timestamp,
    /// When it last proved that it has its key.
    pub proved_at: Timestamp,
    /// How many proofs have been accepted, the registration not counted.
    pub proofs: u32,
    /// What challenges are made from. It never leaves the record.
    pub(crate) seed: [u8; 16],
    /// The secrets that open the session, oldest first, no more than [`MAX_BOUND_SECRETS`].
    pub(crate) secrets: Vec<BoundSecret>,
}

/// A secret that opens a bound session for some minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BoundSecret {
    /// Its verifier.
    pub verifier: Verifier,
    /// Until when it opens the session.
    pub until: Timestamp,
}

impl BoundSecret {
    pub(crate) const fn new(verifier: Verifier, until: Timestamp) -> Self {
        Self { verifier, until }
    }
}

impl BoundDevice {
    /// How the device signs.
    pub const fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The secrets that open the session, oldest first.
    pub fn secrets(&self) -> &[BoundSecret] {
        &self.secrets
    }

    /// Until when the secret with this verifier opens the session, if it is one of these.
    pub fn until(&self, verifier: &Verifier) -> Option<Timestamp> {
        self.secrets.iter().find(|secret| secret.verifier == *verifier).map(|secret| secret.until)
    }

    /// Until when any of the secrets opens the session.
    pub fn open_until(&self) -> Timestamp {
        self.secrets.iter().map(|secret| secret.until).max().unwrap_or(Timestamp::EPOCH)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let key = self.key.to_bytes();
        let mut bytes = vec![if self.is_confirmed { IS_CONFIRMED } else { 0 }];
        bytes.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&key);
        bytes.extend_from_slice(&self.bound_at.as_millis().to_be_bytes());
        bytes.extend_from_slice(&self.proved_at.as_millis().to_be_bytes());
        bytes.extend_from_slice(&self.proofs.to_be_bytes());
        bytes.extend_from_slice(&self.seed);
        for secret in &self.secrets {
            bytes.extend_from_slice(secret.verifier.as_bytes());
            bytes.extend_from_slice(&secret.until.as_millis().to_be_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[flags, high, low], bytes) = bytes.split_first_chunk::<3>()?;
        let is_confirmed = match flags {
            0 => false,
            IS_CONFIRMED => true,
            _ => return None,
        };
        let (key, bytes) = bytes.split_at_checked(u16::from_be_bytes([high, low]).into())?;
        let key = DeviceKey::from_bytes(key)?;
        let (bound_at, bytes) = time(bytes)?;
        let (proved_at, bytes) = time(bytes)?;
        let (proofs, bytes) = bytes.split_first_chunk()?;
        let (seed, mut bytes) = bytes.split_first_chunk()?;
        let mut secrets = Vec::new();
        while !bytes.is_empty() {
            let (verifier, after) = bytes.split_first_chunk()?;
            let (until, after) = time(after)?;
            secrets.push(BoundSecret::new(Verifier::from_bytes(*verifier), until));
            bytes = after;
        }
        let proofs = u32::from_be_bytes(*proofs);
        (secrets.len() <= MAX_BOUND_SECRETS).then_some(Self {
            key,
            is_confirmed,
            bound_at,
            proved_at,
            proofs,
            seed: *seed,
            secrets,
        })
    }
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (millis, rest) = bytes.split_first_chunk()?;
    Some((Timestamp::from_millis(u64::from_be_bytes(*millis)), rest))
}

/// Shows no seed: who knows it can make challenges.
impl fmt::Debug for BoundDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundDevice")
            .field("key", &self.key)
            .field("is_confirmed", &self.is_confirmed)
            .field("proofs", &self.proofs)
            .finish_non_exhaustive()
    }
}

impl Extensions {
    /// The offer to bind the session to a device, if there is one.
    pub(crate) fn device_offer(&self) -> Option<DeviceOffer> {
        let (at, rest) = time(self.entry(OFFER)?)?;
        let (seed, family) = rest.split_first_chunk()?;
        let family = KeyFamily::from_bytes(family.try_into().ok()?);
        Some(DeviceOffer::new(at, *seed, family))
    }

    /// The area with this offer. Without room for it there is none.
    pub(crate) fn with_device_offer(&self, offer: Option<DeviceOffer>) -> Self {
        if self.is_empty() && offer.is_none() {
            return self.clone();
        }
        let bytes = offer.map(|DeviceOffer { at, seed, family }| {
            [&at.as_millis().to_be_bytes()[..], &seed, family.as_bytes()].concat()
        });
        self.with_entry(OFFER, bytes.as_deref())
    }

    /// The device to which the session is bound, if it is.
    #[inline]
    pub(crate) fn device(&self) -> Option<BoundDevice> {
        if self.is_empty() { None } else { self.find_device() }
    }

    #[cold]
    fn find_device(&self) -> Option<BoundDevice> {
        BoundDevice::from_bytes(self.entry(DEVICE)?)
    }

    /// Whether every critical entry that this version knows can be read.
    pub(in crate::record) fn is_readable(&self) -> bool {
        self.entry(DEVICE).is_none_or(|bytes| BoundDevice::from_bytes(bytes).is_some())
    }

    /// The area with this device; `None` if there is no room for it.
    pub(crate) fn with_device(&self, device: &BoundDevice) -> Option<Self> {
        self.with(DEVICE, Some((1, &device.to_bytes())))
    }

    /// The area without a device.
    pub(crate) fn without_device(&self) -> Self {
        self.with_entry(DEVICE, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::extensions::MAX_BYTES;

    fn device(key: DeviceKey, secrets: u8) -> BoundDevice {
        let at = Timestamp::from_millis;
        let secret = |number| BoundSecret::new(Verifier::from_bytes([number; 32]), at(4));
        BoundDevice {
            key,
            is_confirmed: true,
            bound_at: at(1),
            proved_at: at(2),
            proofs: 3,
            seed: [9; 16],
            secrets: (0..secrets).map(secret).collect(),
        }
    }

    fn es256() -> DeviceKey {
        DeviceKey::es256([1; 32], [2; 32])
    }

    fn longest_rsa() -> DeviceKey {
        DeviceKey::rs256(&[0xFF; 512], &[1, 0, 0, 1]).unwrap()
    }

    #[test]
    fn a_device_is_read_back_and_removed_without_a_trace() {
        for key in [es256(), longest_rsa()] {
            for secrets in 0..=4 {
                let device = device(key.clone(), secrets);
                let with = Extensions::default().with_device(&device).unwrap();
                assert_eq!(with.device(), Some(device));
                assert!(with.is_readable());
                assert_eq!(with.without_device(), Extensions::default());
            }
        }
    }

    #[test]
    fn an_offer_is_read_back_and_removed_without_a_trace() {
        let family = KeyFamily::from_bytes([4; 16]);
        let offer = DeviceOffer::new(Timestamp::from_millis(7), [3; 16], family);
        let with = Extensions::default().with_device_offer(Some(offer));
        assert_eq!(with.device_offer(), Some(offer));
        assert_eq!(with.with_device_offer(None), Extensions::default());
    }

    #[test]
    fn the_longest_key_fits_next_to_all_else_that_this_version_writes() {
        use crate::key::Nonce;
        use crate::record::SignInTrace;

        let (at, nonce) = (Timestamp::from_millis(7), Nonce::from_bytes([1; 16]));
        let offer = DeviceOffer::new(at, [3; 16], KeyFamily::from_bytes([4; 16]));
        let mut extensions = Extensions::default()
            .with_sign_in(Some(SignInTrace::new(at, nonce, Some(nonce))))
            .with_device_offer(Some(offer));
        for number in 0..8 {
            let verifier = Verifier::from_bytes([number; 32]);
            extensions = extensions.with_family_of(&verifier, KeyFamily::from_bytes([number; 16]));
        }
        let with = extensions.with_device(&device(longest_rsa(), 4)).unwrap();
        assert!(with.memory() <= MAX_BYTES, "{}", with.memory());
    }

    #[test]
    fn a_device_for_which_there_is_no_room_is_refused_and_never_forgotten() {
        let mut foreign = vec![1, 9, 0, 0x03, 0x80];
        foreign.extend([0; 0x380]);
        let full = Extensions::from_area(&foreign);
        assert_eq!(full.with_device(&device(es256(), 1)), None);
    }

    #[test]
    fn a_device_that_cannot_be_read_makes_the_record_unreadable() {
        let good = Extensions::default().with_device(&device(es256(), 1)).unwrap();
        for cut in [1, 8, 39, 41, 90] {
            let mut area = good.as_area()[..good.as_area().len() - cut].to_vec();
            let length = u16::try_from(area.len() - 5).unwrap().to_be_bytes();
            area[3..5].copy_from_slice(&length);
            assert!(!Extensions::from_area(&area).is_readable(), "{cut} bytes fewer");
        }
        assert!(good.is_readable());
    }
}
