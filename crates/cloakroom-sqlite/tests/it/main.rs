//! The suite on SQLite, and what is SQLite's own.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must panic")]

mod place;

mod sqlite {
    cloakroom_testkit::conformance!(crate::place::Place::new().into_store());
}
