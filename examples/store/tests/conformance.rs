//! All that a store promises, and all that sessions promise on it.

mod map_store {
    cloakroom_testkit::conformance!(example_store::MapStore::default());
}
