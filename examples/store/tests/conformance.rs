//! What a store promises, and what sessions on it promise.

mod map_store {
    cloakroom_testkit::conformance!(example_store::MapStore::default());
}
