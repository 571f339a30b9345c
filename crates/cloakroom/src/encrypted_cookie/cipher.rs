//! Encryption with one key: the only file that knows the cipher.
//!
//! From the 32 random bytes of an [`EncryptionKey`], three values are derived by HKDF-Expand with
//! SHA-256 (RFC 5869 section 2.3; a key that is uniform already needs no extraction, section 3.3).
//! The labels are `cloakroom encrypted cookie 1 cipher`, `.. nonces` and `.. id`: the cipher's key,
//! the key for nonces, and the key's id, of which 4 bytes are used.
//!
//! The cipher is XChaCha20-Poly1305. Two messages under one nonce would reveal their difference and
//! allow forgeries, so a nonce is the first 192 bits of an HMAC-SHA256, under the key for nonces,
//! over 24 random bytes, the length of the associated data as 8 bytes (little-endian), the
//! associated data, and the contents. Among 2^64 sessions under one key, two nonces are equal with
//! a probability of 2^-65. Should the random bytes repeat, as in a cloned virtual machine, then at
//! most a whole cookie repeats, which reveals that two are equal.

use std::io;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::key::EncryptionKey;
use super::text::{Envelope, KeyId, Nonce, Purpose};
use crate::key::{Entropy, random};

/// A key that is ready to encrypt and decrypt.
pub(super) struct Cipher {
    id: KeyId,
    aead: XChaCha20Poly1305,
    nonces: [u8; 32],
}

impl Cipher {
    pub(super) fn new(key: &EncryptionKey) -> Self {
        let aead_key = expand(key, b"cloakroom encrypted cookie 1 cipher");
        let nonces = *expand(key, b"cloakroom encrypted cookie 1 nonces");
        let mut id = KeyId::default();
        id.copy_from_slice(&expand(key, b"cloakroom encrypted cookie 1 id")[..4]);
        Self { id, aead: XChaCha20Poly1305::new((&*aead_key).into()), nonces }
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// Encrypts the contents.
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
            .aead
            .encrypt_inout_detached((&nonce).into(), &associated, contents.as_mut_slice().into())
            .map_err(|_| io::Error::other("the contents are too long for the cipher"))?;
        Ok(Envelope { key: self.id, nonce, contents, tag: tag.into() })
    }

    /// The contents; `None` unless this key encrypted exactly these, for exactly this purpose.
    pub(super) fn decrypt(&self, envelope: &Envelope, purpose: &Purpose) -> Option<Vec<u8>> {
        let mut contents = envelope.contents.clone();
        let associated = purpose.associated(envelope.key);
        self.aead
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
        // The length separates the associated data from the contents.
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
        // The cipher erases its own key.
        self.nonces.zeroize();
    }
}

/// The first block of HKDF-Expand, which is 32 bytes.
fn expand(key: &EncryptionKey, label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed(&key.0);
    mac.update(label);
    mac.update(&[1]);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// HMAC under a key of 32 bytes, which the definition pads with zeros to a block.
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

    fn cipher(first: u8) -> Cipher {
        let bytes = std::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap()));
        Cipher::new(&EncryptionKey(bytes))
    }

    /// A generator that always returns the same bytes.
    #[derive(Debug)]
    struct ConstantEntropy;

    impl Entropy for ConstantEntropy {
        fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(7);
            Ok(())
        }
    }

    fn encrypt(cipher: &Cipher, contents: &[u8], purpose: &Purpose) -> Envelope {
        cipher.encrypt(contents.to_vec(), purpose, &ConstantEntropy).unwrap()
    }

    #[test]
    fn only_the_key_that_encrypted_a_session_decrypts_it() {
        let purpose = Purpose::new("id", "");
        let envelope = encrypt(&cipher(1), b"value", &purpose);
        assert_eq!(cipher(1).decrypt(&envelope, &purpose).unwrap(), b"value");
        assert!(cipher(2).decrypt(&envelope, &purpose).is_none());
    }

    /// The text was made by an independent implementation of the tables and labels in this module:
    /// OpenSSL's ChaCha20-Poly1305 (through Python's `cryptography`), `HChaCha20` in Python, and
    /// Python's `hmac`. Cookies in browsers must stay readable.
    #[test]
    fn version_one_can_be_read_by_every_later_release() {
        const TEXT: &str = "AZLjoot7gTeVTFfautSrPjFBW40KbYxkhECfIBLjsEH3L1NDph7FkMiijkFzMGIaN6zh\
             H6GTzel0Qtx5G0IO2A4cHKJ2dnOTpioLu9hyfhcCABtISidhO3uCJ8K6DWddubak";
        let moments =
            [4_102_444_800_000_u64, 4_102_446_600_000, 4_102_488_000_000, 4_102_444_800_000];
        let moments = moments.map(u64::to_le_bytes).concat();
        let contents = [&moments, &[1, 2, 3, 4][..], b"\x01\x00{\"name\":\"alice\"}"].concat();
        let purpose = Purpose::new("__Host-id", "");
        assert_eq!(encrypt(&cipher(0), &contents, &purpose).to_text(), TEXT);
        let envelope = Envelope::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(cipher(0).decrypt(&envelope, &purpose).unwrap(), contents);
    }

    #[test]
    fn a_session_of_another_cookie_or_kind_is_not_decrypted() {
        let envelope = encrypt(&cipher(1), b"value", &Purpose::new("id", ""));
        for (cookie, kind) in [("ID", ""), ("id2", ""), ("id", "admin"), ("i", "d"), ("", "id")] {
            assert!(cipher(1).decrypt(&envelope, &Purpose::new(cookie, kind)).is_none());
        }
    }

    #[test]
    fn a_session_with_a_swapped_nonce_is_not_decrypted() {
        let purpose = Purpose::new("id", "");
        let (mut one, other) =
            (encrypt(&cipher(1), b"one", &purpose), encrypt(&cipher(1), b"two", &purpose));
        one.nonce = other.nonce;
        assert!(cipher(1).decrypt(&one, &purpose).is_none());
    }

    #[test]
    fn repeated_random_bytes_do_not_repeat_a_nonce() {
        let (id, admin) = (Purpose::new("id", ""), Purpose::new("id", "admin"));
        let nonces = [
            encrypt(&cipher(1), b"one", &id).nonce,
            encrypt(&cipher(1), b"two", &id).nonce,
            encrypt(&cipher(1), b"one", &admin).nonce,
            encrypt(&cipher(2), b"one", &id).nonce,
        ];
        for (at, nonce) in nonces.iter().enumerate() {
            assert!(!nonces[..at].contains(nonce));
        }
    }

    #[test]
    fn one_value_encrypted_twice_has_nothing_in_common() {
        let purpose = Purpose::new("id", "");
        let encrypt =
            || cipher(1).encrypt(b"value".to_vec(), &purpose, &crate::key::OsEntropy).unwrap();
        let (one, other) = (encrypt(), encrypt());
        assert!(one.nonce != other.nonce && one.contents != other.contents && one.tag != other.tag);
    }

    #[test]
    fn key_ids_differ_and_are_not_part_of_the_keys() {
        assert_ne!(cipher(1).id(), cipher(2).id());
        let bytes = EncryptionKey(std::array::from_fn(|at| u8::try_from(at + 1).unwrap()));
        assert!(!bytes.0.windows(4).any(|part| part == cipher(1).id()));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn a_session_with_any_byte_changed_is_not_decrypted(
            contents in prop::collection::vec(any::<u8>(), 26..200),
            at in any::<prop::sample::Index>(),
            change in 1..=255_u8,
        ) {
            let purpose = Purpose::new("id", "");
            let cipher = cipher(1);
            let mut envelope = encrypt(&cipher, &contents, &purpose);
            let parts = envelope.key.iter_mut().chain(&mut envelope.nonce);
            let parts = parts.chain(&mut envelope.contents).chain(&mut envelope.tag);
            let mut bytes: Vec<&mut u8> = parts.collect();
            *bytes[at.index(4 + 24 + contents.len() + 16)] ^= change;
            prop_assert!(cipher.decrypt(&envelope, &purpose).is_none());
        }
    }
}
