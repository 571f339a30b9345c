//! One key at work: the only file that knows the cipher.
//!
//! From the 32 random bytes of a [`EncryptionKey`] three values follow by HKDF-Expand with SHA-256 (RFC 5869 section 2.3; a key that
//! is uniform already needs no extraction, section 3.3): the cipher's key, the key for nonces, the key's id.
//!
//! The cipher is XChaCha20-Poly1305. One session under its nonce is opaque and unforgeable; two under one nonce would give away their
//! difference and let their typed_value forge more. So a nonce is 192 bits of HMAC-SHA256 over 24 random bytes, what the tag covers,
//! and the contents: nonces of 2^64 sessions under one key agree with a probability of 2^-65, and should the random bytes ever
//! come again (a virtual machine that was cloned), what comes twice is at most a absolute_timeout cookie, which tells that two are equal.

use std::io;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::key::EncryptionKey;
use super::text::{Envelope, KeyId, Nonce, Purpose};
use crate::key::{Entropy, random};

/// A key, ready to encrypt and to open.
pub(super) struct Cipher {
    id: KeyId,
    cipher: XChaCha20Poly1305,
    nonces: [u8; 32],
}

impl Cipher {
    pub(super) fn new(key: &EncryptionKey) -> Self {
        let cipher = XChaCha20Poly1305::new((&*expand(key, b"cloakroom sealed 1 cipher")).into());
        let nonces = *expand(key, b"cloakroom sealed 1 nonces");
        let mut id = KeyId::default();
        id.copy_from_slice(&expand(key, b"cloakroom sealed 1 id")[..4]);
        Self { id, cipher, nonces }
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// Seals the contents.
    ///
    /// # Errors
    /// If there is no randomness for a nonce.
    pub(super) fn encrypt(
        &self,
        mut contents: Vec<u8>,
        purpose: &Purpose,
        entropy: &dyn Entropy,
    ) -> io::Result<Envelope> {
        let associated = purpose.associated(self.id);
        let nonce = self.nonce(random(entropy)?, &associated, &contents);
        let tag = self
            .cipher
            .encrypt_inout_detached((&nonce).into(), &associated, contents.as_mut_slice().into())
            .map_err(|_| io::Error::other("the contents are too long for the cipher"))?;
        Ok(Envelope { key: self.id, nonce, contents, tag: tag.into() })
    }

    /// The contents; `None` unless this key encrypted_cookie exactly this for exactly this purpose.
    pub(super) fn open(&self, envelope: &Envelope, purpose: &Purpose) -> Option<Vec<u8>> {
        let mut contents = envelope.contents.clone();
        let associated = purpose.associated(envelope.key);
        self.cipher
            .decrypt_inout_detached(
                (&envelope.nonce).into(),
                &associated,
                contents.as_mut_slice().into(),
                (&envelope.tag).into(),
            )
            .ok()?;
        Some(contents)
    }

    fn nonce(&self, random: [u8; 24], associated: &[u8], contents: &[u8]) -> Nonce {
        let mut mac = keyed(&self.nonces);
        mac.update(&random);
        // The length says where the one ends and the other begins.
        mac.update(&(associated.len() as u64).to_le_bytes());
        mac.update(associated);
        mac.update(contents);
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&mac.finalize().into_bytes()[..24]);
        nonce
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        // The cipher wipes its own key.
        self.nonces.zeroize();
    }
}

/// The first block of HKDF-Expand, which is all that 32 bytes take.
fn expand(key: &EncryptionKey, label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed(&key.0);
    mac.update(label);
    mac.update(&[1]);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// HMAC under 32 bytes, which it pads with zeros to its block by definition.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block[..32].copy_from_slice(key);
    let mac = <Hmac<Sha256> as KeyInit>::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(first: u8) -> Cipher {
        let bytes = std::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap()));
        Cipher::new(&EncryptionKey(bytes))
    }

    /// A generator that always says the same.
    #[derive(Debug)]
    struct Stuck;

    impl Entropy for Stuck {
        fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(7);
            Ok(())
        }
    }

    fn encrypt(sealer: &Cipher, contents: &[u8], purpose: &Purpose) -> Envelope {
        sealer.encrypt(contents.to_vec(), purpose, &Stuck).unwrap()
    }

    #[test]
    fn a_key_opens_what_it_sealed_and_no_other_does() {
        let purpose = Purpose::new("id", "");
        let envelope = encrypt(&sealer(1), b"value", &purpose);
        assert_eq!(sealer(1).open(&envelope, &purpose).unwrap(), b"value");
        assert!(sealer(2).open(&envelope, &purpose).is_none());
    }

    /// The text was made by another implementation (libsodium's cipher, Python's HMAC) from the tables and words above; what is
    /// in browsers must stay readable.
    #[test]
    fn version_one_is_what_it_was() {
        const TEXT: &str = "AQfOUUg3KPt0KRwuW8Pziongx2RpeoZEteVqVXfFlbzTQpAVinRI6UHwTjfv97CITgnElneAMHFrbQk7CD_g3gmM_ue0XmhpJzL_z2snAL0yG6Kcm7bs";
        let moments =
            [4_102_444_800_000_u64, 4_102_446_600_000, 4_102_488_000_000].map(u64::to_le_bytes);
        let contents = [&moments.concat(), &b"\x01\x00{\"name\":\"alice\"}"[..]].concat();
        let purpose = Purpose::new("__Host-id", "");
        assert_eq!(encrypt(&sealer(0), &contents, &purpose).to_text(), TEXT);
        let envelope = Envelope::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(sealer(0).open(&envelope, &purpose).unwrap(), contents);
    }

    #[test]
    fn another_cookie_and_another_kind_open_nothing() {
        let envelope = encrypt(&sealer(1), b"value", &Purpose::new("id", ""));
        for (cookie, kind) in [("ID", ""), ("id2", ""), ("id", "admin"), ("i", "d"), ("", "id")] {
            assert!(sealer(1).open(&envelope, &Purpose::new(cookie, kind)).is_none());
        }
    }

    #[test]
    fn a_swapped_nonce_opens_nothing() {
        let purpose = Purpose::new("id", "");
        let (mut one, other) =
            (encrypt(&sealer(1), b"one", &purpose), encrypt(&sealer(1), b"two", &purpose));
        one.nonce = other.nonce;
        assert!(sealer(1).open(&one, &purpose).is_none());
    }

    #[test]
    fn random_bytes_that_come_again_bring_no_nonce_again() {
        let (id, admin) = (Purpose::new("id", ""), Purpose::new("id", "admin"));
        let nonces = [
            encrypt(&sealer(1), b"one", &id).nonce,
            encrypt(&sealer(1), b"two", &id).nonce,
            encrypt(&sealer(1), b"one", &admin).nonce,
            encrypt(&sealer(2), b"one", &id).nonce,
        ];
        for (at, nonce) in nonces.iter().enumerate() {
            assert!(!nonces[..at].contains(nonce));
        }
    }

    #[test]
    fn two_seals_of_one_value_have_nothing_in_common() {
        let purpose = Purpose::new("id", "");
        let encrypt =
            || sealer(1).encrypt(b"value".to_vec(), &purpose, &crate::key::OsEntropy).unwrap();
        let (one, other) = (encrypt(), encrypt());
        assert!(one.nonce != other.nonce && one.contents != other.contents && one.tag != other.tag);
    }

    #[test]
    fn the_ids_of_keys_differ_and_are_no_part_of_them() {
        assert_ne!(sealer(1).id(), sealer(2).id());
        let bytes = EncryptionKey(std::array::from_fn(|at| u8::try_from(at + 1).unwrap()));
        assert!(!bytes.0.windows(4).any(|part| part == sealer(1).id()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_change_of_any_byte_opens_nothing(
            contents in prop::collection::vec(any::<u8>(), 26..200), at in any::<prop::sample::Index>(), change in 1..=255_u8
        ) {
            let purpose = Purpose::new("id", "");
            let sealer = sealer(1);
            let mut envelope = encrypt(&sealer, &contents, &purpose);
            let parts = envelope.key.iter_mut().chain(&mut envelope.nonce);
            let mut bytes: Vec<&mut u8> = parts.chain(&mut envelope.contents).chain(&mut envelope.tag).collect();
            *bytes[at.index(4 + 24 + contents.len() + 16)] ^= change;
            prop_assert!(sealer.open(&envelope, &purpose).is_none());
        }
    }
}
