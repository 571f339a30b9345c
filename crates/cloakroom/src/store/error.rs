//! What can go wrong in a store.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::record::DecodeError;
use crate::value::CodecError;

/// An operation that a store could not carry out.
///
/// Absence, a lost race and an ended session are answers, not errors.
#[derive(Clone, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    outcome: Outcome,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or did not answer in time.
    Unavailable,
    /// The store is at its limit and accepts nothing more.
    Full,
    /// The value is larger than the store accepts.
    TooLarge,
    /// The application's codec cannot encode the value.
    Encode,
    /// An entry cannot be read.
    Corrupt,
    /// The scan cursor belongs to another kind of store.
    Foreign,
}

/// What is known about an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an operation is known not to have happened, or not")]
pub enum Outcome {
    /// The operation did not happen.
    NotSent,
    /// The operation happened completely or not at all; it is unknown which.
    Unknown,
}

impl StoreError {
    /// The error of an operation that is known not to have happened.
    pub const fn not_sent(kind: StoreErrorKind) -> Self {
        Self { kind, outcome: Outcome::NotSent, source: None }
    }

    /// The error of an operation that may have happened.
    pub const fn outcome_unknown(kind: StoreErrorKind) -> Self {
        Self { kind, outcome: Outcome::Unknown, source: None }
    }

    /// The same error for an operation of which a part has happened.
    pub(crate) fn of_unknown_outcome(self) -> Self {
        Self { outcome: Outcome::Unknown, ..self }
    }

    /// The same error with its cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// The kind of error.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// True if the entry is there and cannot be read.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.kind == StoreErrorKind::Corrupt
    }

    /// True if the entry was written by a newer version of this library.
    pub(crate) fn is_of_other_version(&self) -> bool {
        let source = self.source.as_deref();
        source
            .and_then(|source| source.downcast_ref::<DecodeError>())
            .is_some_and(DecodeError::is_of_other_version)
    }

    /// Whether the operation may have happened.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl From<CodecError> for StoreError {
    fn from(error: CodecError) -> Self {
        Self::not_sent(StoreErrorKind::Encode).with_source(error)
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::not_sent(StoreErrorKind::Corrupt).with_source(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the session store is unavailable",
            StoreErrorKind::Full => "the session store is full",
            StoreErrorKind::TooLarge => "the session is too large for its store",
            StoreErrorKind::Encode => "the session's value cannot be encoded",
            StoreErrorKind::Corrupt => "an entry of the session store cannot be read",
            StoreErrorKind::Foreign => "the scan cursor belongs to another kind of store",
        })?;
        match self.outcome {
            Outcome::NotSent => Ok(()),
            Outcome::Unknown => f.write_str(" (the operation may have happened)"),
        }
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
