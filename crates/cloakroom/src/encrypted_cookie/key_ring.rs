//! Several keys at once, so that one can replace another.

use std::fmt;
use std::sync::Arc;

use super::cipher::Cipher;
use super::key::EncryptionKey;
use super::text::{Envelope, KeyId, Purpose};
use crate::key::hex;

/// The keys that decrypt sessions, and the one among them that encrypts.
///
/// ```
/// # use cloakroom::encrypted_cookie::{KeyRing, EncryptionKey};
/// # const TEXT: &str = "5d0c8f2f8e51ab3c6ef0b9a1d4470e6ac29358f1b7de3c0f94a1e6275bd8c36f";
/// # let text = |name: &str| Ok::<_, std::env::VarError>(TEXT);
/// let current: EncryptionKey = text("SESSION_KEY")?.parse()?;
/// let old: EncryptionKey = text("SESSION_KEY_OLD")?.parse()?;
/// let ring = KeyRing::new(current).with_old_key(old);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Rotation
/// A session that an old key decrypted is encrypted with the current key in the response to the
/// same request. So after one [`Lifetime`](crate::Lifetime) the old key has nothing left to
/// decrypt: remove it then. With several servers, give all of them the new key [as the next
/// one](KeyRing::with_next_key) before any of them encrypts with it; a server that does not know
/// the key treats its sessions as forged.
///
/// Remove a key that others may have seen at once. Everyone whose session it encrypted is signed
/// out.
#[derive(Clone)]
#[must_use = "a key ring does nothing until sessions are built with it"]
pub struct KeyRing {
    current: Arc<Cipher>,
    others: Vec<OtherKey>,
}

/// A key that decrypts but does not encrypt.
#[derive(Clone)]
struct OtherKey {
    cipher: Arc<Cipher>,
    /// True if it used to encrypt; its sessions are encrypted again with the current key.
    is_old: bool,
}

/// What a key of the ring decrypted.
pub(super) struct Decrypted {
    pub(super) contents: Vec<u8>,
    /// True if the key no longer encrypts.
    pub(super) by_old_key: bool,
}

impl KeyRing {
    /// A ring with this key, which encrypts and decrypts.
    #[expect(clippy::needless_pass_by_value, reason = "taken by value, so that it is erased here")]
    pub fn new(current: EncryptionKey) -> Self {
        Self { current: Arc::new(Cipher::new(&current)), others: Vec::new() }
    }

    /// Also decrypts sessions that this old key encrypted, and encrypts them with the current key.
    ///
    /// Can be repeated.
    pub fn with_old_key(self, old: EncryptionKey) -> Self {
        self.with(old, true)
    }

    /// Also decrypts sessions that other servers encrypt with this key, which is to become the
    /// current one, and leaves them as they are.
    ///
    /// Otherwise servers before and after the change would encrypt each other's sessions again at
    /// every read.
    pub fn with_next_key(self, next: EncryptionKey) -> Self {
        self.with(next, false)
    }

    #[expect(clippy::needless_pass_by_value, reason = "taken by value, so that it is erased here")]
    fn with(mut self, key: EncryptionKey, is_old: bool) -> Self {
        self.others.push(OtherKey { cipher: Arc::new(Cipher::new(&key)), is_old });
        self
    }

    pub(super) fn current(&self) -> &Cipher {
        &self.current
    }

    pub(super) fn knows(&self, id: KeyId) -> bool {
        self.all().any(|key| key.id() == id)
    }

    /// Decrypts an envelope with the key of its id. If several keys have that id, each is tried.
    pub(super) fn decrypt(&self, envelope: &Envelope, purpose: &Purpose) -> Option<Decrypted> {
        let current = std::iter::once((&*self.current, false));
        let keys = current.chain(self.others.iter().map(|other| (&*other.cipher, other.is_old)));
        keys.filter(|(key, _)| key.id() == envelope.key).find_map(|(key, by_old_key)| {
            let contents = key.decrypt(envelope, purpose)?;
            Some(Decrypted { contents, by_old_key })
        })
    }

    fn all(&self) -> impl Iterator<Item = &Cipher> {
        std::iter::once(&*self.current).chain(self.others.iter().map(|other| &*other.cipher))
    }
}

/// Shows the ids of the keys, the current one's first. Every cookie contains such an id.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(")?;
        for (at, key) in self.all().enumerate() {
            f.write_str(if at > 0 { ", " } else { "" })?;
            hex::write(f, &key.id())?;
        }
        f.write_str(")")
    }
}
