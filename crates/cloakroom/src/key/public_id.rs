//! The name of a session in stores, logs and lists.

use std::fmt;
use std::str::FromStr;

use crate::key::hex;

/// The name of a session in stores, logs, events and lists: 128 random bits, printed as 32
/// hexadecimal digits.
///
/// It is the public half of a [`Key`](crate::Key): without the secret it does not open the session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicId(pub(super) [u8; 16]);

impl PublicId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicId({self})")
    }
}

impl FromStr for PublicId {
    type Err = ParsePublicIdError;

    fn from_str(text: &str) -> Result<Self, ParsePublicIdError> {
        let mut bytes = [0; 16];
        hex::read(text, &mut bytes).ok_or(ParsePublicIdError(()))?;
        Ok(Self(bytes))
    }
}

/// The error for text that is not a [`PublicId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePublicIdError(());

impl fmt::Display for ParsePublicIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id is 32 hexadecimal digits")
    }
}

impl std::error::Error for ParsePublicIdError {}
