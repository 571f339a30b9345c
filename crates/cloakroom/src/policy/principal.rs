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
/// assert_eq!(Principal::from(42_i64).as_str(), "42"); // a number is always a valid name
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
    /// control characters. In a handler, `?` makes an [`Error`](crate::Error) of it, which is
    /// answered with 500: check who it is first, then name them.
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

/// A number can always be a name: `Principal::from(42_u64)` is `"42"`.
macro_rules! from_numbers {
    ($($number:ty),+) => {$(
        impl From<$number> for Principal {
            fn from(number: $number) -> Self {
                Self(number.to_string().into())
            }
        }
    )+};
}

from_numbers!(u32, u64, u128, i32, i64);

/// Its hyphenated form in small letters.
#[cfg(feature = "uuid")]
impl From<uuid::Uuid> for Principal {
    fn from(uuid: uuid::Uuid) -> Self {
        Self(uuid.to_string().into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_invalid_name_needs_no_check() {
        let longest = Principal::from(u128::MAX);
        assert_eq!(Principal::new(longest.as_str()).as_ref(), Ok(&longest));
        assert_eq!(Principal::from(-1_i64).as_str(), "-1");
        assert_eq!(Principal::from(42).as_str(), "42");
    }

    #[cfg(feature = "uuid")]
    #[test]
    fn a_uuid_is_a_name() {
        let uuid = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
        assert_eq!(Principal::from(uuid).as_str(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
    }
}
