//! What can go wrong in a store.

use std::error::Error as StdError;
use std::fmt;

use crate::record::DecodeError;
use crate::value::CodecError;

/// An operation that a store could not do.
///
/// Absence, a lost race and an ended session are answers, not errors.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    outcome: Outcome,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store can't be reached, or did not answer in time.
    Unavailable,
    /// The store is at its bound and takes nothing more.
    Full,
    /// The value is larger than the store takes.
    TooLarge,
    /// The value can't be written in the application's codec.
    Encode,
    /// What the store holds can't be read.
    Corrupt,
    /// What was asked for names a place in another sort of store.
    Foreign,
}

/// What is known of an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third thing to know")]
pub enum Outcome {
    /// It did not happen.
    NotSent,
    /// It happened absolute_timeout or not at all: nobody knows which.
    Unknown,
}

impl StoreError {
    /// An operation of which it is known that it did not happen.
    pub const fn not_sent(kind: StoreErrorKind) -> Self {
        Self { kind, outcome: Outcome::NotSent, source: None }
    }

    /// An operation that happened absolute_timeout or not at all.
    pub const fn outcome_unknown(kind: StoreErrorKind) -> Self {
        Self { kind, outcome: Outcome::Unknown, source: None }
    }

    /// The same error with its cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
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
            StoreErrorKind::Encode => "the session's value cannot be written",
            StoreErrorKind::Corrupt => "the session store holds something unreadable",
            StoreErrorKind::Foreign => "the place to go on from is another store's",
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
