//! The suite on the stores of the core crate, and on the suite itself.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must panic")]

mod broken;
mod client;
mod naive;
mod tools;

/// A near cache over a store that tells of its changes.
mod near_cache {
    use cloakroom::MemoryStore;
    use cloakroom::stores::CachedStore;
    use cloakroom_testkit::{FeedStore, block_on};

    cloakroom_testkit::conformance!(
        block_on(
            CachedStore::builder(FeedStore::new(MemoryStore::new().with_encoded_values())).build()
        )
        .unwrap()
    );
}

/// A near cache over a store that tells nothing, too small for all but a few sessions, and always on its way.
mod near_cache_in_steps {
    use cloakroom::MemoryStore;
    use cloakroom::stores::CachedStore;
    use cloakroom_testkit::{StepStore, block_on};

    cloakroom_testkit::conformance!(
        block_on(
            CachedStore::builder(StepStore::new(MemoryStore::new()))
                .capacity_bytes(1 << 17)
                .build()
        )
        .unwrap()
    );
}

/// Answers awaited by threads that know of no runtime, against the clock of one.
mod in_time {
    use std::sync::LazyLock;
    use std::time::Duration;

    use cloakroom::MemoryStore;
    use cloakroom::stores::TimeoutStore;
    use cloakroom_testkit::StepStore;
    use tokio::runtime::{Builder, Runtime};

    static CLOCK: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
    });

    fn store() -> TimeoutStore<StepStore<MemoryStore>> {
        let _inside = CLOCK.enter();
        TimeoutStore::new(StepStore::new(MemoryStore::new()), Duration::from_secs(10 * 60))
    }

    cloakroom_testkit::conformance!(store());
}

mod naive_and_sound {
    cloakroom_testkit::conformance!(crate::naive::Naive::sound());
}

mod memory {
    cloakroom_testkit::conformance!(cloakroom::MemoryStore::new());
}

mod memory_encoded {
    cloakroom_testkit::conformance!(cloakroom::MemoryStore::new().with_encoded_values());
}

mod memory_on_threads {
    cloakroom_testkit::conformance!(cloakroom::stores::BlockingStore::new(
        cloakroom::MemoryStore::new(),
        |job| {
            std::thread::spawn(job);
        }
    ));
}

mod memory_in_steps {
    cloakroom_testkit::conformance!(cloakroom_testkit::StepStore::new(
        cloakroom::MemoryStore::new()
    ));
}
