//! The whole suite for one store.

/// Makes one test of every rule of the store contract and of sessions, and one of the oracle.
///
/// The expression is evaluated once per test and must give a new, empty
/// [`Store`](cloakroom::Store) that no other test uses. Put the call in a module of its own, named
/// after the store:
///
/// ```
/// mod in_memory {
///     use cloakroom::MemoryStore;
///
///     cloakroom_testkit::conformance!(MemoryStore::new());
/// }
/// ```
///
/// The tests are then called `in_memory::store_suite::..`, `in_memory::session_suite::..` and
/// `in_memory::oracle::..`. They read no real clock and never sleep; some start a few threads.
#[macro_export]
macro_rules! conformance {
    ($store:expr $(,)?) => {
        fn new_store() -> impl $crate::Store {
            $store
        }

        mod store_suite {
            $crate::for_each_store_test!($crate::__store_tests);
        }

        mod session_suite {
            $crate::for_each_session_test!($crate::__session_tests);
        }

        mod oracle {
            #[test]
            fn random_operations_agree_with_the_naive_model() {
                $crate::oracle::check(super::new_store());
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    ($($test:ident)*) => {
        $(#[test]
        fn $test() {
            $crate::store_suite::$test(super::new_store());
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __session_tests {
    ($($test:ident)*) => {
        $(#[test]
        fn $test() {
            $crate::session_suite::$test(super::new_store());
        })*
    };
}
