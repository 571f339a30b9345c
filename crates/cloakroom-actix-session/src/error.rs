//! Converts errors to those of actix-session.
//!
//! Its middleware logs errors with all causes. The causes of an outage are kept; those of a failed
//! encoding or decoding could quote the value, so they are left out.

use actix_session::storage::{LoadError, SaveError, UpdateError};
use anyhow::anyhow;
use cloakroom::{Error, ErrorKind};

/// True if the key opens nothing, as opposed to an outage.
pub(crate) fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet | ErrorKind::Superseded)
}

pub(crate) fn load(error: Error) -> LoadError {
    match error.kind() {
        // The middleware then keeps the key, and continues with an empty state.
        ErrorKind::Corrupt | ErrorKind::Unreadable => LoadError::Deserialization(to_theirs(error)),
        _ => LoadError::Other(to_theirs(error)),
    }
}

pub(crate) fn save(error: Error) -> SaveError {
    match error.kind() {
        ErrorKind::Unfit => SaveError::Serialization(to_theirs(error)),
        _ => SaveError::Other(to_theirs(error)),
    }
}

pub(crate) fn update(error: Error) -> UpdateError {
    match error.kind() {
        ErrorKind::Unfit => UpdateError::Serialization(to_theirs(error)),
        _ => UpdateError::Other(to_theirs(error)),
    }
}

/// The error, with its causes unless they could quote a value.
pub(crate) fn to_theirs(error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::Unfit => anyhow!("{error}"),
        _ => error.into(),
    }
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
        assert!(format!("{:?}", load(error.into())).contains("no route to host"));
    }

    #[test]
    fn the_error_of_a_failed_encoding_does_not_quote_the_value() {
        let error =
            || Error::from(StoreError::from(CodecError::from("the card number 4111 is not a key")));
        assert!(matches!(save(error()), SaveError::Serialization(_)));
        assert!(!format!("{:?} {:?}", save(error()), update(error())).contains("4111"));
    }
}
