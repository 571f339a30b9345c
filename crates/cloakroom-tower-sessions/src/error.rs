//! Why a call failed, in the terms of tower-sessions, whose errors are texts.

use std::error::Error as StdError;
use std::fmt;

use cloakroom::{Error, ErrorKind};

/// The error of each version of tower-sessions, before it has become the one of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Encode(String),
    Decode(String),
    Backend(String),
}

impl Failure {
    /// Converts an error of a session or a store.
    ///
    /// The text includes the causes of an outage. The causes of a failed encoding or decoding could
    /// quote the value, so they are left out.
    pub(crate) fn of(error: impl Into<Error>) -> Self {
        let error = error.into();
        match error.kind() {
            ErrorKind::Corrupt => Self::Decode(error.to_string()),
            ErrorKind::Unfit => Self::Encode(error.to_string()),
            ErrorKind::Unavailable => Self::Backend(with_causes(&error)),
            _ => Self::Backend(error.to_string()),
        }
    }

    /// A failure with a text and no cause.
    pub(crate) fn backend(text: &str) -> Self {
        Self::Backend(text.to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(text) => write!(f, "encoding failed: {text}"),
            Self::Decode(text) => write!(f, "decoding failed: {text}"),
            Self::Backend(text) => f.write_str(text),
        }
    }
}

impl StdError for Failure {}

fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        // Errors of some drivers repeat their cause.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use cloakroom::store::{StoreError, StoreErrorKind};
    use cloakroom::value::CodecError;

    use super::*;

    #[test]
    fn the_error_of_an_outage_includes_its_causes() {
        let error =
            StoreError::not_sent(StoreErrorKind::Unavailable).with_source("no route to host");
        let text = "sessions are unavailable: the session store is unavailable: no route to host";
        assert_eq!(Failure::of(error), Failure::backend(text));
    }

    #[test]
    fn the_error_of_a_failed_encoding_does_not_quote_the_value() {
        let error = StoreError::from(CodecError::from("the card number 4111 is not a key"));
        assert!(!Failure::of(error).to_string().contains("4111"));
    }
}
