//! The secret half of a key, and how a timed renewal derives the next one.

use std::fmt;
use std::hash::{Hash, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The half of a key that only the client knows: 128 random bits, replaced at every renewal.
///
/// # Security
/// A secret is compared in constant time, wiped when it is dropped, and never printed.
#[derive(Clone)]
pub struct Secret(u128);

impl Secret {
    /// The secret with these bytes, which must come from a cryptographically secure generator.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        // As one number it is wiped and compared in one step instead of sixteen.
        Self(u128::from_ne_bytes(bytes))
    }

    pub(super) const fn bytes(&self) -> [u8; 16] {
        self.0.to_ne_bytes()
    }

    /// The secret that a timed renewal with this nonce derives from this one.
    ///
    /// It is the HMAC-SHA256 (RFC 2104) of a label and the nonce under this secret, cut to 128
    /// bits. Only a holder of this secret can compute it, and the same nonce always gives the same
    /// result.
    #[must_use = "the next secret is returned; this one stays as it is"]
    pub fn next(&self, nonce: &Nonce) -> Self {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&hmac_key(&self.bytes()));
        mac.update(b"cloakroom renewal 1");
        mac.update(&nonce.0);
        let mut digest = mac.finalize().into_bytes();
        let mut next = [0; 16];
        next.copy_from_slice(&digest[..16]);
        digest.as_mut_slice().zeroize();
        Self::from_bytes(next)
    }
}

/// The secret as an HMAC key of one block: HMAC pads shorter keys with zeros (RFC 2104 section 2).
fn hmac_key(secret: &[u8; 16]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
    key[..16].copy_from_slice(secret);
    key
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The public input from which one timed renewal derives the next [`Secret`].
///
/// The record keeps it until the old secret retires, so that every client that still presents the
/// old secret is sent the same new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// The nonce with these bytes, which must be random: no nonce may be used twice.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}
