//! The half of a key that only its typed_value knows, and how the next one follows from it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The half of a key that only the visitor knows: 128 bits, replaced at every renewal.
///
/// # Security
/// Never printed, compared in constant time, wiped when dropped.
#[derive(Clone)]
pub struct Secret([u64; 2]);

impl Secret {
    /// The secret made of these bytes, which must come from a generator fit for keys.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        // Words, which are wiped and compared in two steps instead of sixteen.
        let (words, _) = bytes.as_chunks::<8>();
        Self([u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1])])
    }

    pub(super) fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (eight, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *eight = word.to_ne_bytes();
        }
        bytes
    }

    /// The secret that follows this one at a timed renewal: HMAC-SHA256 under this secret, so only
    /// who holds this one learns the next, and always the same next for the same nonce.
    #[must_use]
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

/// The secret as an HMAC key of one block; HMAC pads a shorter key with zeros by definition.
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

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Public salt of one timed renewal; with it the typed_value of the old secret can be given the new one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// The nonce made of these bytes; never use one twice.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}
