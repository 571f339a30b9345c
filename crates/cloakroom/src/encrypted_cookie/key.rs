//! The secret that encrypts sessions, and the texts it can be read from.

use std::fmt;
use std::io;
use std::str::FromStr;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use zeroize::{Zeroize, Zeroizing};

use crate::key::hex;
use crate::key::{OsEntropy, random};

/// The secret that encrypts and decrypts sessions: 32 random bytes, from `openssl rand -hex 32`.
///
/// ```
/// # use cloakroom::encrypted_cookie::EncryptionKey;
/// // let text = std::env::var("SESSION_KEY")?;
/// let text = "5d0c8f2f8e51ab3c6ef0b9a1d4470e6ac29358f1b7de3c0f94a1e6275bd8c36f";
/// let key = EncryptionKey::from_text(text)?;
/// assert_eq!(format!("{key:?}"), "EncryptionKey(..)");
///
/// assert!(EncryptionKey::from_text("correct horse battery staple").is_err()); // a password
/// # Ok::<(), cloakroom::encrypted_cookie::EncryptionKeyError>(())
/// ```
///
/// # Security
/// Anyone who has it can write any session, for any user. It has no `Display`, no `==`, no `Clone`
/// and no conversion back to text, and is erased when dropped. Keep it where only the server can
/// read it, and not in the repository (OWASP, "Secrets Management").
pub struct EncryptionKey(pub(super) [u8; 32]);

/// A random key has fewer distinct bytes than this once in 10^25 times; most placeholders do.
const MIN_DISTINCT_BYTES: usize = 12;

impl EncryptionKey {
    /// Reads a key from text: 64 hexadecimal digits, 44 characters of base64, or 43 of base64url
    /// without padding.
    ///
    /// White space around it is ignored.
    ///
    /// # Errors
    /// [`EncryptionKeyError`] for any other text, and for a key that is not random, such as all
    /// zeros.
    pub fn from_text(text: &str) -> Result<Self, EncryptionKeyError> {
        let text = text.trim_ascii();
        let mut bytes = Zeroizing::new([0; 32]);
        let known = match text.len() {
            64 => hex::read(text, &mut *bytes).is_some(),
            44 => Base64::decode(text, &mut *bytes).is_ok_and(|read| read.len() == 32),
            43 => Base64UrlUnpadded::decode(text, &mut *bytes).is_ok_and(|read| read.len() == 32),
            _ => false,
        };
        if !known {
            return Err(EncryptionKeyError(MALFORMED));
        }
        let distinct =
            bytes.iter().enumerate().filter(|(at, byte)| !bytes[..*at].contains(byte)).count();
        if distinct < MIN_DISTINCT_BYTES {
            return Err(EncryptionKeyError(NOT_RANDOM));
        }
        Ok(Self(*bytes))
    }

    /// A key from the operating system's random generator: for tests, and for sessions that need
    /// not survive the process.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate() -> io::Result<Self> {
        random(&OsEntropy).map(Self)
    }
}

impl Drop for EncryptionKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

impl FromStr for EncryptionKey {
    type Err = EncryptionKeyError;

    fn from_str(text: &str) -> Result<Self, EncryptionKeyError> {
        Self::from_text(text)
    }
}

const MALFORMED: &str = "an encryption key is 32 bytes in hexadecimal or base64: \
                         make one with `openssl rand -hex 32`";
const NOT_RANDOM: &str =
    "an encryption key must be random, and this is not: make one with `openssl rand -hex 32`";

/// A text that is not an [`EncryptionKey`].
///
/// The error does not repeat the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionKeyError(&'static str);

impl fmt::Display for EncryptionKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for EncryptionKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 32] = *b"\xFB\xF0 thirty-two bytes, a key's ...";

    #[test]
    fn a_key_is_read_from_any_of_its_three_forms() {
        let hex = BYTES.map(|byte| format!("{byte:02x}")).concat();
        let texts = [
            hex.to_ascii_uppercase(),
            format!("{hex}\n"),
            format!(" {}", Base64::encode_string(&BYTES)),
            Base64UrlUnpadded::encode_string(&BYTES),
        ];
        for text in texts {
            assert_eq!(text.parse::<EncryptionKey>().unwrap().0, BYTES);
        }
    }

    #[test]
    fn a_text_that_is_not_a_random_key_is_refused_and_not_repeated() {
        let zeros = "0".repeat(64);
        let typed = "0123456789".repeat(7)[..64].to_owned();
        let letters = "deadbeef".repeat(8);
        let padded = Base64::encode_string(&[7; 32]);
        for text in
            ["", "secret", &zeros, &typed, &letters, &padded, &"g".repeat(64), &"é".repeat(32)]
        {
            let error = EncryptionKey::from_text(text).unwrap_err().to_string();
            assert!(error.contains("openssl rand"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_generated_key_is_accepted() {
        let key = EncryptionKey::generate().unwrap();
        assert!(EncryptionKey::from_text(&Base64::encode_string(&key.0)).is_ok());
    }
}
