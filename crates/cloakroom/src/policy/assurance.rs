//! How strong the proof of a sign-in was.

use std::fmt;

/// How strong the proof of a sign-in was, on a scale of the application's own: a greater level is
/// stronger, and 0 is the weakest.
///
/// NIST's authentication assurance levels fit (1, 2 and 3); so do 1 for a password and 2 for a
/// second factor. Only another [`login`](crate::Session::login) raises a session's level: it never
/// exceeds that of the authentication event (SP 800-63B-4 section 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assurance(u8);

impl Assurance {
    /// The assurance of this level.
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
