//! Who is signed in.

use std::fmt;
use std::sync::Arc;

/// Who is signed in: the name by which a user's sessions are listed and revoked, such as
/// `"user-42"`.
///
/// ```
/// # use cloakroom::Principal;
/// let alice = Principal::new("user-42")?;
/// assert_eq!(alice.as_str(), "user-42");
/// assert!(Principal::new("").is_err());
/// # Ok::<(), cloakroom::policy::PrincipalError>(())
/// ```
///
/// # Security
/// The name is stored unencrypted and shown to operators: prefer an account number to an email
/// address.
///
/// On one store, a name means the same person in every kind of session: whatever ends all sessions
/// of a person ends those of every kind. If customers and staff are numbered apart, name them
/// apart: `"customer-42"`, `"staff-42"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// The maximum length of a name, in bytes.
    pub const MAX_LEN: usize = 255;

    /// The principal with this name.
    ///
    /// # Errors
    /// [`PrincipalError`] if the name is empty, longer than [`MAX_LEN`](Self::MAX_LEN), or contains
    /// control characters.
    pub fn new(name: impl AsRef<str>) -> Result<Self, PrincipalError> {
        let name = name.as_ref();
        if name.is_empty() || name.len() > Self::MAX_LEN || name.chars().any(char::is_control) {
            return Err(PrincipalError(()));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for a name that cannot be a [`Principal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalError(());

impl fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a principal's name is 1 to 255 bytes long and has no control characters")
    }
}

impl std::error::Error for PrincipalError {}
