//! What to do with a session whose value cannot be read.

/// What is done with a session whose value can't be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadablePolicy {
    /// Treat the visitor as one without a session and leave the record as it is, until it expires.
    #[default]
    SetAside,
    /// Answer with an error, each time.
    Refuse,
    /// End the session.
    End,
}
