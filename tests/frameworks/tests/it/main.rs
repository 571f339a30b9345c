//! The scenarios on every server, with two stores.

/// Runs the scenarios on each server with each store.
macro_rules! servers {
    ($($server:ident: $memory:ident, $redis:ident;)*) => {
        $(mod $memory {
            cloakroom_testkit::scenarios!(
                cloakroom_frameworks::$server,
                cloakroom_test_stores::memory()
            );
        }

        mod $redis {
            cloakroom_testkit::scenarios!(
                cloakroom_frameworks::$server,
                cloakroom_test_stores::redis()
            );
        })*
    };
}

servers! {
    axum: axum_in_memory, axum_on_redis;
    actix: actix_in_memory, actix_on_redis;
    actix_with_cancellation: actix_cancelling_in_memory, actix_cancelling_on_redis;
    hyper: hyper_in_memory, hyper_on_redis;
    blocking: blocking_in_memory, blocking_on_redis;
}
