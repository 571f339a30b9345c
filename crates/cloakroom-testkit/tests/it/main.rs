//! The suite on the stores of the core crate, and on the suite itself.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must panic")]

mod broken;
mod client;
mod naive;
mod tools;

mod naive_and_sound {
    cloakroom_testkit::conformance!(crate::naive::Naive::sound());
}

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
