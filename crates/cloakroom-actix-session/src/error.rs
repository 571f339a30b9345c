//! Our errors as theirs, sorted by what they ask of it.
//!
//! They go to a log with all their causes: those of an outage, but not those of a value that can't be read or written, which may show it.

use actix_session::storage::{LoadError, SaveError, UpdateError};
use anyhow::anyhow;
use cloakroom::{Error, ErrorKind};

/// True if there is nothing behind the key; false if nobody could tell.
pub(crate) fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet | ErrorKind::Superseded)
}

pub(crate) fn load(error: Error) -> LoadError {
    match error.kind() {
        ErrorKind::Corrupt => LoadError::Deserialization(told(error)),
        _ => LoadError::Other(told(error)),
    }
}

pub(crate) fn save(error: Error) -> SaveError {
    match error.kind() {
        ErrorKind::Unfit => SaveError::Serialization(told(error)),
        _ => SaveError::Other(told(error)),
    }
}

pub(crate) fn update(error: Error) -> UpdateError {
    match error.kind() {
        ErrorKind::Unfit => UpdateError::Serialization(told(error)),
        _ => UpdateError::Other(told(error)),
    }
}

/// The error, with its causes if they can't show a value.
pub(crate) fn told(error: Error) -> anyhow::Error {
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
    fn an_outage_tells_its_causes() {
        let error =
            StoreError::not_sent(StoreErrorKind::Unavailable).with_source("no route to host");
        assert!(format!("{:?}", load(error.into())).contains("no route to host"));
    }

    #[test]
    fn a_value_that_cannot_be_written_is_not_shown() {
        let error =
            || Error::from(StoreError::from(CodecError::from("the card number 4111 is no key")));
        assert!(matches!(save(error()), SaveError::Serialization(_)));
        assert!(!format!("{:?} {:?}", save(error()), update(error())).contains("4111"));
    }
}
