//! What a store keeps of a key.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Carrier;

/// Tells the kinds of session of one application apart: it is hashed into every verifier, so that a
/// key of one kind does not open a session of another.
///
/// Records and the entries of the principal index name it too. See
/// [`SessionKind`](crate::SessionKind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindTag(pub(super) [u8; 16]);

impl KindTag {
    /// The tag of [`DefaultKind`](crate::value::DefaultKind).
    pub const DEFAULT: Self = Self([
        0x84, 0x94, 0xEC, 0xA7, 0x7B, 0x6B, 0xA5, 0x6D, 0x71, 0xDD, 0xF1, 0x7A, 0x3B, 0x94, 0x88,
        0x67,
    ]);

    /// The tag of what [`derive_index!`](crate::derive_index) keeps of a principal. It is no digest
    /// of a name, so no session has it.
    pub(crate) const PRINCIPAL: Self = Self(*b"principal index\0");

    /// The tag of the kind with this [`NAME`](crate::SessionKind::NAME).
    pub fn of(name: &str) -> Self {
        let digest = Sha256::new_with_prefix(b"cloakroom kind 1\0").chain_update(name).finalize();
        let mut tag = [0; 16];
        tag.copy_from_slice(&digest[..16]);
        Self(tag)
    }

    /// The tag with these bytes, as a store kept them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the tag, for a store to keep.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The bytes that a verifier begins with: others for each carrier.
    pub(super) fn carried_by(self, carrier: Carrier) -> [u8; 16] {
        match carrier {
            Carrier::Cookie => self.0,
            Carrier::Bearer => self.0.map(|byte| !byte),
        }
    }
}

/// What a store keeps of a key: a SHA-256 that recognises the key and cannot be turned back into
/// it.
///
/// # Security
/// A copy of the store opens no session. Verifiers are compared in constant time and never printed.
#[derive(Clone, Copy, Eq)]
pub struct Verifier([u8; 32]);

impl Verifier {
    /// The verifier of no key: no digest of one is known.
    pub(crate) const NONE: Self = Self([0; 32]);

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 64 bits, by which a retired secret is recognised.
    pub(crate) fn prefix(&self) -> u64 {
        self.words()[0]
    }

    /// What an anti-forgery token is made from if the secret opens nothing any more: known to no
    /// one who knows only the session's present secrets, and the reverse.
    pub(crate) fn former_family(&self) -> KeyFamily {
        let digest =
            Sha256::new_with_prefix(b"cloakroom former key 1\0").chain_update(self.0).finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        KeyFamily(half)
    }

    /// The key family that begins with this verifier's secret.
    pub(crate) fn family(&self) -> KeyFamily {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        KeyFamily(half)
    }

    fn words(&self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(self.0.chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            *word = u64::from_be_bytes(eight);
        }
        words
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        // Looks at every bit before anything is decided.
        let pairs = self.words().into_iter().zip(other.words());
        pairs.fold(0, |differences, (one, other)| differences | (one ^ other)).ct_eq(&0).into()
    }
}

impl Hash for Verifier {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

/// The name of a key family: the secrets that timed renewal derived from one another.
///
/// A fresh secret, from `login` or `renew`, begins another family. The name is half of the first
/// secret's verifier: only the store knows it, and no secret can be computed from it.
#[derive(Clone, Copy, Eq)]
pub struct KeyFamily([u8; 16]);

impl KeyFamily {
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl PartialEq for KeyFamily {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for KeyFamily {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for KeyFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFamily(..)")
    }
}
