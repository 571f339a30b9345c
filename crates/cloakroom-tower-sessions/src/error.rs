//! Our errors as theirs, which are texts.

use std::error::Error as StdError;

use cloakroom::{Error, ErrorKind};
use tower_sessions_core::session_store;

/// A session's error, or a store's. The causes of an outage are told; those of a value that can't be read or written may show it, and
/// are not.
pub(crate) fn told(error: impl Into<Error>) -> session_store::Error {
    let error = error.into();
    match error.kind() {
        ErrorKind::Corrupt => session_store::Error::Decode(error.to_string()),
        ErrorKind::Unfit => session_store::Error::Encode(error.to_string()),
        ErrorKind::Unavailable => session_store::Error::Backend(with_causes(&error)),
        _ => session_store::Error::Backend(error.to_string()),
    }
}

/// An error that has a text and no cause.
pub(crate) fn backend(text: &str) -> session_store::Error {
    session_store::Error::Backend(text.to_owned())
}

fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use cloakroom::store::{StoreError, StoreErrorKind};
    use cloakroom::value::CodecError;

    use super::*;

    #[test]
    fn an_outage_tells_its_causes() {
        let error =
            StoreError::not_sent(StoreErrorKind::Unavailable).with_source("no route to host");
        let text = told(error).to_string();
        assert_eq!(
            text,
            "sessions are unavailable: the session store is unavailable: no route to host"
        );
    }

    #[test]
    fn a_value_that_cannot_be_written_is_not_shown() {
        let error = StoreError::from(CodecError::from("the card number 4111 is no key"));
        assert!(!told(error).to_string().contains("4111"));
    }
}
