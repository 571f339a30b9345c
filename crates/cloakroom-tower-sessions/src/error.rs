//! Converts errors to those of tower-sessions, which are texts.

use std::error::Error as StdError;

use cloakroom::{Error, ErrorKind};
use tower_sessions_core::session_store;

/// Converts an error of a session or a store.
///
/// The text includes the causes of an outage. The causes of a failed encoding or decoding could
/// quote the value, so they are left out.
pub(crate) fn to_theirs(error: impl Into<Error>) -> session_store::Error {
    let error = error.into();
    match error.kind() {
        ErrorKind::Corrupt => session_store::Error::Decode(error.to_string()),
        ErrorKind::Unfit => session_store::Error::Encode(error.to_string()),
        ErrorKind::Unavailable => session_store::Error::Backend(with_causes(&error)),
        _ => session_store::Error::Backend(error.to_string()),
    }
}

/// An error with a text and no cause.
pub(crate) fn backend(text: &str) -> session_store::Error {
    session_store::Error::Backend(text.to_owned())
}

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
        let text = to_theirs(error).to_string();
        assert_eq!(
            text,
            "sessions are unavailable: the session store is unavailable: no route to host"
        );
    }

    #[test]
    fn the_error_of_a_failed_encoding_does_not_quote_the_value() {
        let error = StoreError::from(CodecError::from("the card number 4111 is not a key"));
        assert!(!to_theirs(error).to_string().contains("4111"));
    }
}
