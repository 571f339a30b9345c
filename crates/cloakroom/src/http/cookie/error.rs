//! Why browsers would refuse a cookie.

use std::fmt;

/// A cookie policy that browsers would refuse, or under which they would keep another cookie than
/// the policy says.
///
/// Its message says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicyError(&'static str);

impl CookiePolicyError {
    pub(super) fn new(reason: &'static str) -> Self {
        Self(reason)
    }
}

pub(super) fn refuse_if(wrong: bool, reason: &'static str) -> Result<(), CookiePolicyError> {
    if wrong { Err(CookiePolicyError(reason)) } else { Ok(()) }
}

impl fmt::Display for CookiePolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for CookiePolicyError {}
