//! Who is signed in.

use std::fmt;
use std::sync::Arc;

/// Who is signed in, in the application's own words (`"user-42"`): what sessions are listed and revoked by.
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
/// Stored in clear and shown to operators: prefer an account number to an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 255;

    /// The principal called `name`.
    ///
    /// # Errors
    /// [`PrincipalError`] if the name is empty, longer than 255 bytes, or has control characters.
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

/// A name that can't be a [`Principal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalError(());

impl fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a principal is 1 to 255 bytes without control characters")
    }
}

impl std::error::Error for PrincipalError {}
