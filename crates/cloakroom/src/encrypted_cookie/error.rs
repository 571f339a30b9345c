//! Why a change was refused.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::http::MAX_PAIR_LEN;
use crate::value::CodecError;

/// A change that was refused or could not be encrypted.
///
/// The session stays as it was.
///
/// ```
/// # use cloakroom::SessionMap;
/// # use cloakroom::encrypted_cookie::{EncryptedSessions, EncryptionKey, KeyRing};
/// # use cloakroom::encrypted_cookie::EncryptErrorKind;
/// # let ring = KeyRing::new(EncryptionKey::generate()?);
/// let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(ring)?;
/// let mut session = sessions.open(&http::HeaderMap::new());
///
/// let error = session.update(|map| map.insert("essay", &"x".repeat(4000))).unwrap_err();
/// assert_eq!(error.kind(), EncryptErrorKind::TooLarge);
/// assert_eq!(
///     error.to_string(),
///     "the session cookie would have 5469 bytes; browsers accept 4096"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EncryptError(Cause);

#[derive(Debug)]
enum Cause {
    TooLarge { size: usize },
    Unfit(CodecError),
    Entropy(io::Error),
    CrossSite,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncryptErrorKind {
    /// Browsers would refuse the cookie.
    TooLarge,
    /// The value cannot be encoded by the codec.
    Unfit,
    /// The system has no randomness.
    Unavailable,
    /// Another site started the request.
    ///
    /// See [`NoEncryptedSession::Withheld`](super::NoEncryptedSession::Withheld) and
    /// [`begin_cross_site`](super::EncryptedSession::begin_cross_site).
    CrossSite,
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

    pub(super) fn cross_site() -> Self {
        Self(Cause::CrossSite)
    }

    /// What went wrong.
    pub fn kind(&self) -> EncryptErrorKind {
        match self.0 {
            Cause::TooLarge { .. } => EncryptErrorKind::TooLarge,
            Cause::Unfit(_) => EncryptErrorKind::Unfit,
            Cause::Entropy(_) => EncryptErrorKind::Unavailable,
            Cause::CrossSite => EncryptErrorKind::CrossSite,
        }
    }

    /// The length of the cookie's name and value together, if it is [too
    /// large](EncryptErrorKind::TooLarge).
    pub fn size(&self) -> Option<usize> {
        match self.0 {
            Cause::TooLarge { size } => Some(size),
            _ => None,
        }
    }

    /// The length that browsers accept: 4096 bytes (RFC 6265bis section 5.6).
    pub const fn limit(&self) -> usize {
        MAX_PAIR_LEN
    }
}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::TooLarge { size } => {
                write!(
                    f,
                    "the session cookie would have {size} bytes; browsers accept {MAX_PAIR_LEN}"
                )
            }
            Cause::Unfit(_) => f.write_str("cannot encode the session's value"),
            Cause::Entropy(_) => f.write_str("no randomness for encryption"),
            Cause::CrossSite => f.write_str(
                "another site started the request, so no session begins: redirect to a page of \
                 yours, or call `begin_cross_site`",
            ),
        }
    }
}

impl StdError for EncryptError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Cause::TooLarge { .. } | Cause::CrossSite => None,
            Cause::Unfit(cause) => Some(cause),
            Cause::Entropy(cause) => Some(cause),
        }
    }
}
