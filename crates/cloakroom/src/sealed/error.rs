//! Why a change could not be sealed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::codec::CodecError;
use crate::cookie::LONGEST_PAIR;

/// A change that could not be sealed. The session stays as it was.
///
/// ```
/// # use cloakroom::Map;
/// # use cloakroom::sealed::{KeyRing, SealedSessions, SealErrorKind, SealingKey};
/// let sessions: SealedSessions<Map> = SealedSessions::new(KeyRing::new(SealingKey::generate()?))?;
/// let mut session = sessions.open(&http::HeaderMap::new());
///
/// let error = session.update(|map| map.insert("essay", &"x".repeat(4000))).unwrap_err();
/// assert_eq!(error.kind(), SealErrorKind::TooLarge);
/// assert_eq!(error.to_string(), "the session's cookie would have 5453 bytes, and browsers keep 4096");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SealError(Cause);

#[derive(Debug)]
enum Cause {
    TooLarge { size: usize },
    Unfit(CodecError),
    Entropy(io::Error),
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SealErrorKind {
    /// No browser would keep the cookie.
    TooLarge,
    /// The value has no form in the codec.
    Unfit,
    /// The system has no randomness to give.
    Unavailable,
}

impl SealError {
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
    pub fn kind(&self) -> SealErrorKind {
        match self.0 {
            Cause::TooLarge { .. } => SealErrorKind::TooLarge,
            Cause::Unfit(_) => SealErrorKind::Unfit,
            Cause::Entropy(_) => SealErrorKind::Unavailable,
        }
    }

    /// How many bytes the cookie's name and value would have had together, if they are [too many](SealErrorKind::TooLarge).
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

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::TooLarge { size } => {
                write!(f, "the session's cookie would have {size} bytes, and browsers keep {LONGEST_PAIR}")
            }
            Cause::Unfit(_) => f.write_str("the session's value can't be sealed"),
            Cause::Entropy(_) => f.write_str("there is no randomness to seal with"),
        }
    }
}

impl StdError for SealError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Cause::TooLarge { .. } => None,
            Cause::Unfit(cause) => Some(cause),
            Cause::Entropy(cause) => Some(cause),
        }
    }
}
