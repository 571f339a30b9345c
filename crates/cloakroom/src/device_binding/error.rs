//! Why a proof is refused.

use std::fmt;

/// A proof that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofError {
    kind: ProofErrorKind,
    detail: &'static str,
}

/// The kind of a [`ProofError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProofErrorKind {
    /// It is no token of the expected form.
    Malformed,
    /// Its algorithm is neither ES256 nor RS256, or not that of the registered key.
    Algorithm,
    /// Its key is missing, is not expected, is no public key, or is too weak.
    Key,
    /// The signature was not made with the key, for these bytes.
    Signature,
}

impl ProofError {
    pub(super) const fn new(kind: ProofErrorKind, detail: &'static str) -> Self {
        Self { kind, detail }
    }

    pub(super) const fn malformed(detail: &'static str) -> Self {
        Self::new(ProofErrorKind::Malformed, detail)
    }

    pub(super) const fn key(detail: &'static str) -> Self {
        Self::new(ProofErrorKind::Key, detail)
    }

    /// What is wrong with the proof.
    pub const fn kind(&self) -> ProofErrorKind {
        self.kind
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the device's proof is refused: {}", self.detail)
    }
}

impl std::error::Error for ProofError {}
