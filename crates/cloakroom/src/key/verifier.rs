//! What stays of a key in a store.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Sets one kind of session of an application apart from its others: a key of one kind is no key of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindTag(pub(super) [u8; 16]);

impl KindTag {
    /// The tag of the kind called `name`.
    pub fn of(name: &str) -> Self {
        let digest = Sha256::new_with_prefix(b"cloakroom kind 1\0").chain_update(name).finalize();
        let mut tag = [0; 16];
        tag.copy_from_slice(&digest[..16]);
        Self(tag)
    }

    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What a store keeps of a secret: enough to recognise it, useless to whoever steals the store.
#[derive(Clone, Copy, Eq)]
pub struct Verifier([u8; 32]);

impl Verifier {
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 64 bits, by which a replaced secret is remembered.
    pub(crate) fn mark(&self) -> u64 {
        self.words()[0]
    }

    /// The family that begins with this verifier's secret.
    pub(crate) fn family(&self) -> KeyFamily {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        KeyFamily(half)
    }

    fn words(&self) -> [u64; 4] {
        let (words, _) = self.0.as_chunks::<8>();
        std::array::from_fn(|word| u64::from_be_bytes(words[word]))
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        self.words().ct_eq(&other.words()).into()
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

/// What secrets have in common that were derived from one another: it lasts through every timed renewal, and a fresh
/// secret (`login`, `renew`) begins another.
///
/// Half of the first secret's verifier: as secret as the store, and no way to the secret.
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
