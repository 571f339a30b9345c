//! The whole suite for one store.

/// Makes one test of every clause of the store contract, of every law of sessions, and of the oracle.
///
/// The expression is evaluated anew for each test and gives a fresh, empty [`Store`](cloakroom::Store), which no other test
/// uses. Put the call in a module of its own, named after the store:
///
/// ```
/// mod in_memory {
///     use cloakroom::MemoryStore;
///
///     cloakroom_testkit::conformance!(MemoryStore::new());
/// }
/// ```
///
/// The tests are then called `in_memory::clauses::..`, `in_memory::laws::..` and `in_memory::oracle::..`. No clock is read
/// and nothing sleeps; several tests start a handful of threads.
#[macro_export]
macro_rules! conformance {
    ($store:expr $(,)?) => {
        fn fresh_store() -> impl $crate::Store {
            $store
        }

        mod clauses {
            $crate::for_each_clause!($crate::__clause_tests);
        }

        mod laws {
            $crate::for_each_law!($crate::__law_tests);
        }

        mod oracle {
            #[test]
            fn random_operations_agree_with_the_naive_model() {
                $crate::oracle::check(super::fresh_store());
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __clause_tests {
    ($($clause:ident)*) => {
        $(#[test]
        fn $clause() {
            $crate::clauses::$clause(super::fresh_store());
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __law_tests {
    ($($law:ident)*) => {
        $(#[test]
        fn $law() {
            $crate::laws::$law(super::fresh_store());
        })*
    };
}
