//! The conformance suite on the stores of the core crate, and tests of the testkit itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must panic")]

mod broken;
mod client;
mod lists;
mod naive;
#[cfg(feature = "servers")]
mod proxy;
mod tools;

/// A near cache over a store with a change feed.
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

/// A near cache over a store without a feed, with room for a few sessions only.
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

/// A timeout on the timer of a runtime, awaited by threads outside it.
mod timeout {
    use std::sync::LazyLock;
    use std::time::Duration;

    use cloakroom::MemoryStore;
    use cloakroom::stores::TimeoutStore;
    use cloakroom_testkit::StepStore;
    use tokio::runtime::{Builder, Runtime};

    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
    });

    fn store() -> TimeoutStore<StepStore<MemoryStore>> {
        let _entered = RUNTIME.enter();
        TimeoutStore::new(StepStore::new(MemoryStore::new()), Duration::from_secs(10 * 60))
    }

    cloakroom_testkit::conformance!(store());
}

mod naive_without_a_flaw {
    cloakroom_testkit::conformance!(crate::naive::Naive::new());
}

mod memory {
    cloakroom_testkit::conformance!(cloakroom::MemoryStore::new());
}

mod memory_encoded {
    cloakroom_testkit::conformance!(cloakroom::MemoryStore::new().with_encoded_values());
}

mod memory_blocking {
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

/// A store that writes what it must and derives the rest.
mod derived {
    use cloakroom::{MemoryStore, Store, decorate_store, derive_index};

    #[derive(Debug)]
    struct Derived<S>(S);

    impl<S: Store> Store for Derived<S> {
        derive_index!();
        decorate_store!(self => &self.0; insert, get, replace, end_if, scan, sweep);
    }

    mod in_memory {
        use super::{Derived, MemoryStore};

        cloakroom_testkit::conformance!(Derived(MemoryStore::new()));
    }

    /// Each operation takes several steps, so that others come in between.
    mod in_steps {
        use cloakroom_testkit::StepStore;

        use super::{Derived, MemoryStore};

        cloakroom_testkit::conformance!(Derived(StepStore::new(MemoryStore::new())));
    }
}
