//! The key that a client holds, and what a store keeps of it.
//!
//! ```text
//! key       32 bytes = PublicId (16) + Secret (16), sent as 43 characters of base64url
//! verifier  SHA-256 (kind tag (16) + PublicId (16) + Secret (16)), the only form a store sees
//! ```
//!
//! [`Key`] and [`PublicId`] are what applications use. The other types are for authors of stores,
//! and [`Entropy`] for tests.

mod carrier;
mod device_key;
mod entropy;
pub(crate) mod hex;
mod public_id;
mod secret;
mod text;
mod verifier;

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

pub use carrier::Carrier;
pub use device_key::{Algorithm, DeviceKey};
#[cfg(feature = "device-binding")]
pub(crate) use device_key::{COORDINATE_LEN, Numbers as DeviceNumbers};
pub(crate) use entropy::random;
pub use entropy::{Entropy, OsEntropy};
pub use public_id::{ParsePublicIdError, PublicId};
pub use secret::{Nonce, Secret};
pub use verifier::{KeyFamily, KindTag, Verifier};

/// The value of a session's cookie: its [`PublicId`] and a [`Secret`].
///
/// OWASP calls it the session ID.
///
/// ```
/// # use cloakroom::Key;
/// let text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; // 43 characters of base64url
/// let key: Key = text.parse()?;
/// assert_eq!(key.expose(), text);
/// assert_eq!(format!("{key:?}"), "Key(00000000000000000000000000000000, ..)");
/// # Ok::<(), cloakroom::key::ParseKeyError>(())
/// ```
///
/// # Security
/// Anyone who has the key has the session. A key implements neither `Display` nor `Copy`, its
/// `Debug` output shows only the id, and its secret is wiped when it is dropped. [`Key::expose`] is
/// the only way to get its text.
///
/// A key opens its session only if it travels as it did when it was minted: see [`Carrier`].
#[derive(Clone, PartialEq, Eq, Hash)]
#[doc(alias = "session_key")]
pub struct Key {
    id: PublicId,
    secret: Secret,
    carrier: Carrier,
}

impl Key {
    /// The length of a key's text, in bytes.
    pub const TEXT_LEN: usize = 43;

    /// The key of session `id` with this secret, which travels in a cookie.
    pub const fn new(id: PublicId, secret: Secret) -> Self {
        Self { id, secret, carrier: Carrier::Cookie }
    }

    /// The key whose first 16 bytes are the id and whose last 16 are the secret.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        let (mut id, mut secret) = ([0; 16], [0; 16]);
        id.copy_from_slice(&bytes[..16]);
        secret.copy_from_slice(&bytes[16..]);
        Self::new(PublicId::from_bytes(id), Secret::from_bytes(secret))
    }

    /// The id of the session that the key belongs to.
    pub const fn id(&self) -> PublicId {
        self.id
    }

    /// The half of the key that only the client knows.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// How the key travels.
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// The key with the same text that travels in this way.
    #[must_use = "the changed key is returned"]
    pub fn carried_by(&self, carrier: Carrier) -> Self {
        Self { carrier, ..self.clone() }
    }

    /// What a store keeps of this key, for sessions of this kind.
    ///
    /// It depends on how the key travels: a bearer key opens nothing as a cookie, and the reverse.
    pub fn verifier(&self, kind: KindTag) -> Verifier {
        let digest = Sha256::new_with_prefix(kind.carried_by(self.carrier))
            .chain_update(self.id.0)
            .chain_update(self.secret.bytes())
            .finalize();
        Verifier::from_bytes(digest.into())
    }

    /// A key of the same session with another secret.
    #[must_use = "the new key is returned; this one stays as it is"]
    pub fn with_secret(&self, secret: Secret) -> Self {
        Self { id: self.id, secret, carrier: self.carrier }
    }

    /// Reads a key from untrusted bytes: exactly 43 base64url characters, with nothing around them.
    ///
    /// The text does not say how the key travels; the result travels in a cookie.
    ///
    /// # Errors
    /// [`ParseKeyError`] for anything else (OWASP Session Management Cheat Sheet, "Manage Session
    /// ID as Any Other User Input").
    pub fn from_text(text: &[u8]) -> Result<Self, ParseKeyError> {
        // The buffers are not wiped: the request's headers hold the same text.
        text::decode(text).map(Self::from_bytes).ok_or(ParseKeyError(()))
    }

    /// The key's text, 43 characters of base64url: a cookie's value or a bearer token.
    ///
    /// # Security
    /// Only the client may see it. Never put it in a log, a page or a URL.
    pub fn expose(&self) -> String {
        // It is ASCII, so the default is never used.
        std::str::from_utf8(&self.text()).unwrap_or_default().to_owned()
    }

    /// The key's text as ASCII bytes.
    pub(crate) fn text(&self) -> [u8; Self::TEXT_LEN] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.id.0);
        bytes[16..].copy_from_slice(&self.secret.bytes());
        text::encode(&bytes)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, ..)", self.id)
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        Self::from_text(text.as_bytes())
    }
}

/// The error for text that is not a [`Key`]; it does not repeat the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseKeyError(());

impl fmt::Display for ParseKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session key is 43 base64url characters")
    }
}

impl std::error::Error for ParseKeyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{DefaultKind, SessionKind};

    fn key(id: u8, secret: u8) -> Key {
        Key::new(PublicId::from_bytes([id; 16]), Secret::from_bytes([secret; 16]))
    }

    #[test]
    fn a_key_is_read_back_from_its_text() {
        let text = key(1, 2).expose();
        assert_eq!(text.len(), Key::TEXT_LEN);
        assert_eq!(text.parse::<Key>().unwrap(), key(1, 2));
    }

    #[test]
    fn text_with_anything_added_or_changed_is_refused() {
        let text = key(0xA7, 0x5C).expose();
        let variants = [
            format!("{text}="),
            format!(" {text}"),
            format!("{text} "),
            text[..42].to_owned(),
            text.replace(&text[..1], "+"),
            format!("\"{text}\""),
        ];
        for variant in variants {
            assert!(variant.parse::<Key>().is_err(), "accepted a variant");
        }
    }

    #[test]
    fn each_key_has_exactly_one_text() {
        // 43 characters carry 258 bits: the last two must be zero.
        let text = key(0, 0).expose();
        for last in ['B', 'C', 'D'] {
            assert!(format!("{}{last}", &text[..42]).parse::<Key>().is_err());
        }
    }

    #[test]
    fn debug_output_never_shows_a_secret() {
        let key = key(1, 0xEE);
        let printed = format!("{key:?} {:?} {:?}", key.secret(), key.verifier(KindTag::of("")));
        assert!(!printed.contains("ee") && !printed.contains("238"), "{printed}");
        assert!(!printed.contains(&key.expose()[22..]));
    }

    #[test]
    fn a_verifier_depends_on_kind_id_and_secret() {
        let plain = key(1, 2).verifier(KindTag::of(""));
        assert_ne!(plain, key(1, 2).verifier(KindTag::of("admin")));
        assert_ne!(plain, key(3, 2).verifier(KindTag::of("")));
        assert_ne!(plain, key(1, 3).verifier(KindTag::of("")));
    }

    #[test]
    fn a_verifier_depends_on_how_the_key_travels() {
        let (cookie, bearer) = (key(1, 2), key(1, 2).carried_by(Carrier::Bearer));
        assert_eq!(cookie.expose(), bearer.expose());
        assert_ne!(cookie.verifier(KindTag::of("")), bearer.verifier(KindTag::of("")));
        assert_eq!(bearer.with_secret(cookie.secret().clone()), bearer);
    }

    #[test]
    fn the_default_kind_is_the_one_without_a_name() {
        assert_eq!(KindTag::DEFAULT, KindTag::of(<DefaultKind as SessionKind>::NAME));
    }

    #[test]
    fn the_next_secret_depends_on_the_secret_and_the_nonce_only() {
        let secret = Secret::from_bytes([7; 16]);
        let nonce = Nonce::from_bytes([1; 16]);
        assert_eq!(secret.next(&nonce), secret.next(&nonce));
        assert_ne!(secret.next(&nonce), secret.next(&Nonce::from_bytes([2; 16])));
        assert_ne!(secret.next(&nonce), Secret::from_bytes([8; 16]).next(&nonce));
    }

    #[test]
    fn an_id_is_read_back_from_its_text_and_other_text_is_refused() {
        let id = PublicId::from_bytes([0xAB; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "ab", &"g".repeat(32), &"a".repeat(33), &"é".repeat(16)] {
            assert!(text.parse::<PublicId>().is_err());
        }
    }
}
