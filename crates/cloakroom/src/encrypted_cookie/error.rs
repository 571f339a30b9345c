//! Why a change could not be encrypted_cookie.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::http::LONGEST_PAIR;
use crate::value::CodecError;

/// A change that could not be encrypted_cookie. The session stays as it was.
///
/// ```
/// # use cloakroom::SessionMap;
/// # use cloakroom::encrypted_cookie::{KeyRing, EncryptedSessions, EncryptErrorKind, EncryptionKey};
/// let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(KeyRing::new(EncryptionKey::generate()?))?;
/// let mut session = sessions.open(&http::HeaderMap::new());
///
/// let error = session.update(|map| map.insert("essay", &"x".repeat(4000))).unwrap_err();
/// assert_eq!(error.kind(), EncryptErrorKind::TooLarge);
/// assert_eq!(error.to_string(), "the session's cookie would have 5453 bytes, and browsers keep 4096");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EncryptError(Cause);

#[derive(Debug)]
enum Cause {
    TooLarge { size: usize },
    Unfit(CodecError),
    Entropy(io::Error),
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncryptErrorKind {
    /// No browser would keep the cookie.
    TooLarge,
    /// The value has no form in the codec.
    Unfit,
    /// The system has no randomness to give.
    Unavailable,
}

impl EncryptError {
    pub(super) fn too_large(size: usize) -> Self {
        Self(Cause::TooLarge { size })
    }

    pub(super) fn unfit(cause: CodecError) -> Self {
        Self(Cause::Unfit(cause))
    }

    pub(super) fn entropy(cause: io::Error) -> Self {
        Self(Cause::Entropy(cause))
    }

    /// What went wrong.
    pub fn kind(&self) -> EncryptErrorKind {
        match self.0 {
            Cause::TooLarge { .. } => EncryptErrorKind::TooLarge,
            Cause::Unfit(_) => EncryptErrorKind::Unfit,
            Cause::Entropy(_) => EncryptErrorKind::Unavailable,
        }
    }

    /// How many bytes the cookie's name and value would have had together, if they are [too many](EncryptErrorKind::TooLarge).
    pub fn size(&self) -> Option<usize> {
        match self.0 {
            Cause::TooLarge { size } => Some(size),
            _ => None,
        }
    }

    /// How many bytes browsers keep: 4096 (RFC 6265bis section 5.6).
    pub const fn limit(&self) -> usize {
        LONGEST_PAIR
    }
}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::TooLarge { size } => {
                write!(
                    f,
                    "the session's cookie would have {size} bytes, and browsers keep {LONGEST_PAIR}"
                )
            }
            Cause::Unfit(_) => f.write_str("the session's value can't be encrypted_cookie"),
            Cause::Entropy(_) => f.write_str("there is no randomness to encrypt with"),
        }
    }
}

impl StdError for EncryptError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Cause::TooLarge { .. } => None,
            Cause::Unfit(cause) => Some(cause),
            Cause::Entropy(cause) => Some(cause),
        }
    }
}
