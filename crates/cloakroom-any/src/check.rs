//! What was found out of a store.

/// One thing that was looked at in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, in words for an operator.
    pub found: String,
}

impl Check {
    /// What was found of `name`, and whether it is as it should be.
    pub fn new(name: &'static str, ok: bool, found: impl Into<String>) -> Self {
        Self { name, ok, found: found.into() }
    }
}
