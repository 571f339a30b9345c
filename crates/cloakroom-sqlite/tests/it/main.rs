//! The suite on SQLite, and what is SQLite's own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test's process talks to the one that started it"
)]

mod bound;
mod file;
mod hardship;
mod peer;
mod place;

mod sqlite {
    cloakroom_testkit::conformance!(crate::place::Place::new().into_store());
}

mod two_processes_on_one_file {
    cloakroom_testkit::conformance!(crate::peer::InTurn::at(crate::place::Place::new()));
}
