//! Our errors as theirs: the same error inside, sorted by what they ask of it.

use actix_session::storage::{LoadError, SaveError, UpdateError};
use cloakroom::{Error, ErrorKind};

/// True if there is nothing behind the key; false if nobody could tell.
pub(crate) fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet | ErrorKind::Superseded)
}

pub(crate) fn load(error: Error) -> LoadError {
    match error.kind() {
        ErrorKind::Corrupt => LoadError::Deserialization(error.into()),
        _ => LoadError::Other(error.into()),
    }
}

pub(crate) fn save(error: Error) -> SaveError {
    match error.kind() {
        ErrorKind::Unfit => SaveError::Serialization(error.into()),
        _ => SaveError::Other(error.into()),
    }
}

pub(crate) fn update(error: Error) -> UpdateError {
    match error.kind() {
        ErrorKind::Unfit => UpdateError::Serialization(error.into()),
        _ => UpdateError::Other(error.into()),
    }
}
