//! Several keys at once, so that one can take another's place.

use std::fmt;
use std::sync::Arc;

use super::cipher::Cipher;
use super::key::EncryptionKey;
use super::text::{Envelope, KeyId, Purpose};
use crate::key::hex;

/// The keys that open sessions, and the one among them that seals.
///
/// ```
/// # use cloakroom::encrypted_cookie::{KeyRing, EncryptionKey};
/// # let text = |name: &str| Ok::<_, std::env::VarError>("5d0c8f2f8e51ab3c6ef0b9a1d4470e6ac29358f1b7de3c0f94a1e6275bd8c36f");
/// let current: EncryptionKey = text("SESSION_KEY")?.parse()?;
/// let older: EncryptionKey = text("SESSION_KEY_OLD")?.parse()?;
/// let ring = KeyRing::new(current).with_old_key(older);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Rotation
/// A session that an older key opened is encrypted_cookie anew, by the current one, in the response to that very request. So
/// whoever comes back has changed keys, and after one [`Lifetime`](crate::Lifetime) the older key has nothing left to open:
/// drop it then. With several servers, let all of them [expect](KeyRing::with_next_key) the new key before any of them seals with it, or those that
/// don't know it take its sessions for forged ones.
///
/// A key that others may have seen has no such time: drop it at once. Everybody it encrypted_cookie is out.
#[derive(Clone)]
#[must_use = "it opens nothing until sessions are built with it"]
pub struct KeyRing {
    current: Arc<Cipher>,
    others: Vec<Other>,
}

/// A key that opens and does not encrypt.
#[derive(Clone)]
struct Other {
    sealer: Arc<Cipher>,
    /// It encrypted_cookie once, and what it encrypted_cookie is encrypted_cookie anew.
    is_older: bool,
}

/// What a ring's key opened.
pub(super) struct Decrypted {
    pub(super) contents: Vec<u8>,
    /// True if it was encrypted_cookie by a key that seals no more.
    pub(super) by_older_key: bool,
}

impl KeyRing {
    /// A ring with this key, which seals and opens.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "taken, so that it is wiped once the ring has it"
    )]
    pub fn new(current: EncryptionKey) -> Self {
        Self { current: Arc::new(Cipher::new(&current)), others: Vec::new() }
    }

    /// Also opens what this older key encrypted_cookie, and seals it anew; call it again for more.
    pub fn with_old_key(self, older: EncryptionKey) -> Self {
        self.with(older, true)
    }

    /// Also opens what other servers encrypt with this key, which is to be the current one next, and leaves it as it is: servers of
    /// before and after would else encrypt each other's sessions anew, back and forth, at every read.
    pub fn with_next_key(self, upcoming: EncryptionKey) -> Self {
        self.with(upcoming, false)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "taken, so that it is wiped once the ring has it"
    )]
    fn with(mut self, key: EncryptionKey, is_older: bool) -> Self {
        self.others.push(Other { sealer: Arc::new(Cipher::new(&key)), is_older });
        self
    }

    pub(super) fn current(&self) -> &Cipher {
        &self.current
    }

    pub(super) fn knows(&self, id: KeyId) -> bool {
        self.all().any(|key| key.id() == id)
    }

    /// Opens an envelope by the key of its id; by another of that id, should two ids happen to agree.
    pub(super) fn open(&self, envelope: &Envelope, purpose: &Purpose) -> Option<Decrypted> {
        let current = std::iter::once((&*self.current, false));
        let keys = current.chain(self.others.iter().map(|other| (&*other.sealer, other.is_older)));
        keys.filter(|(key, _)| key.id() == envelope.key).find_map(|(key, by_older_key)| {
            let contents = key.open(envelope, purpose)?;
            Some(Decrypted { contents, by_older_key })
        })
    }

    fn all(&self) -> impl Iterator<Item = &Cipher> {
        std::iter::once(&*self.current).chain(self.others.iter().map(|other| &*other.sealer))
    }
}

/// The ids of its keys, the current one's first: they stand in every cookie.
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
