//! What a device signs: challenges, and what says for which session it registers.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::key::PublicId;
use crate::time::Timestamp;

/// A challenge is good in the slot of time that it was made in, in the next one, and in the one
/// before, as the clocks of nodes differ.
///
/// So one that is sent along with a cookie of ten minutes is still good when that cookie ends.
pub const CHALLENGE_SLOT: Duration = Duration::from_secs(10 * 60);

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the occasions of a proof")]
pub enum ChallengeFor {
    /// Registering a device.
    Registration,
    /// Saying for which session a device is registered, however long that takes.
    Authorization,
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
            ChallengeFor::Authorization => (2, 0),
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

/// Says for which session a device is registered: only the browser that was sent the response to
/// the sign-in knows it, not one that has a copy of the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authorization {
    id: PublicId,
    code: Challenge,
}

impl Authorization {
    /// The session's id.
    pub const fn id(&self) -> PublicId {
        self.id
    }

    /// Its text: 43 characters of base64url.
    pub fn text(&self) -> String {
        Base64UrlUnpadded::encode_string(&[*self.id.as_bytes(), self.code.0].concat())
    }

    /// The authorization with this text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let decoded = Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        let (id, code) = decoded.split_first_chunk()?;
        Some(Self { id: PublicId::from_bytes(*id), code: Challenge(code.try_into().ok()?) })
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
    /// The challenge of the present slot.
    pub(super) fn now(&self, seed: &[u8; 16], purpose: ChallengeFor, now: Timestamp) -> Challenge {
        Challenge::of(seed, self.server_key, self.id, purpose, slot(now))
    }

    /// What says that a device is registered for this session.
    pub(super) fn authorization(&self, seed: &[u8; 16]) -> Authorization {
        let purpose = ChallengeFor::Authorization;
        let code = Challenge::of(seed, self.server_key, self.id, purpose, 0);
        Authorization { id: self.id, code }
    }

    /// Whether this is the challenge of the present slot, or of one of its neighbours.
    pub(super) fn is_recent(
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
