//! How well a visitor proved who they are.

use std::fmt;

/// How well a visitor proved who they are, on a scale of the application's own: more is better, 0 is the least.
///
/// NIST's levels fit (1, 2, 3), and so do 1 for a password and 2 for a second factor. A session's level never exceeds
/// that of the sign-in it began with (SP 800-63B-4 section 5.1): only another [`login`](crate::Session::login) raises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assurance(u8);

impl Assurance {
    /// The level `level`.
    pub const fn new(level: u8) -> Self {
        Self(level)
    }

    /// The level as a number.
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
