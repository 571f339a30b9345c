//! The store suite on SQLite, and tests of SQLite's own behavior.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue must panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a child process reports to the test that started it"
)]

mod disk_faults;
mod file;
mod fixture;
mod locked;
mod peer;
mod replaced;
mod restore;
mod size_limit;
mod sweep;

mod sqlite {
    cloakroom_testkit::conformance!(crate::fixture::TestFile::new().into_store());

    #[test]
    fn writes_keep_their_order() {
        cloakroom_testkit::assert_writes_keep_their_order(
            crate::fixture::TestFile::new().into_store(),
        );
    }
}

/// What a store of one's own derives, on a file: the principal index is written as bytes.
mod derived {
    use cloakroom::{Store, decorate_store, derive_index};

    #[derive(Debug)]
    struct Derived<S>(S);

    impl<S: Store> Store for Derived<S> {
        derive_index!();
        decorate_store!(self => &self.0; insert, get, replace, end_if, scan, sweep);
    }

    cloakroom_testkit::conformance!(Derived(crate::fixture::TestFile::new().into_store()));
}

mod two_processes_on_one_file {
    cloakroom_testkit::conformance!(crate::peer::Alternating::at(crate::fixture::TestFile::new()));
}
