//! The suite on the stores of the core crate, and on the suite itself.

mod broken;
mod client;

mod memory {
    cloakroom_testkit::conformance!(cloakroom::MemoryStore::new());
}

mod memory_encoded {
    cloakroom_testkit::conformance!(cloakroom::MemoryStore::new().encoded());
}

mod memory_on_threads {
    cloakroom_testkit::conformance!(cloakroom::OnThread::new(cloakroom::MemoryStore::new(), |job| {
        std::thread::spawn(job);
    }));
}

mod memory_in_steps {
    cloakroom_testkit::conformance!(cloakroom_testkit::StepStore::new(cloakroom::MemoryStore::new()));
}
