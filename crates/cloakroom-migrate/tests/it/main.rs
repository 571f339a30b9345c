//! The store contract on two stores during a migration, and the laws of the migration itself.
#![allow(clippy::print_stdout, reason = "tests print what they measured")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on must panic")]

mod alternating;
mod faults;
mod migration;

/// One node moves sessions and another does not yet; each call is made by the other one.
mod alternating_nodes {
    cloakroom_testkit::conformance!(crate::alternating::Alternating::new());
}

mod started {
    use cloakroom::MemoryStore;
    use cloakroom_migrate::MigratingStore;
    use cloakroom_testkit::StepStore;

    cloakroom_testkit::conformance!(MigratingStore::start(
        StepStore::new(MemoryStore::new().with_encoded_values()),
        MemoryStore::new()
    ));
}

mod prepared {
    use cloakroom::MemoryStore;
    use cloakroom_migrate::MigratingStore;
    use cloakroom_testkit::StepStore;

    cloakroom_testkit::conformance!(MigratingStore::prepare(
        MemoryStore::new(),
        StepStore::new(MemoryStore::new().with_encoded_values())
    ));
}
