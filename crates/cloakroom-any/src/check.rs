//! The findings about a store.

/// A finding about a store; see [`StoreUrl::check`](crate::StoreUrl::check).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// Whether it is as recommended.
    pub ok: bool,
    /// The finding, for an operator to read.
    pub found: String,
}

impl Check {
    /// A finding about `name`.
    pub fn new(name: &'static str, ok: bool, found: impl Into<String>) -> Self {
        Self { name, ok, found: found.into() }
    }
}
