//! Tests of a framework's integration, over real connections.
//!
//! An integration supplies one function that starts a server in this process, on a free port of
//! `127.0.0.1`. The server has these routes; all but `/ignore` and `/stream` call [`answer`]:
//!
//! | route | what it does |
//! |---|---|
//! | `POST /count` | adds one to the visitor's count; responds with the number |
//! | `GET /read` | responds with the number, or `null` without a session |
//! | `POST /login`, `POST /logout` | signs [`alice`] in, or out |
//! | `POST /revoke` | ends its own session through `Sessions::revoke` |
//! | `POST /both` | signs in with one handle and counts with another |
//! | `POST /slow` | counts, waits at the [`Barrier`], counts again |
//! | `POST /panic` | counts, then panics |
//! | `POST /fail` | counts, then responds with 500 |
//! | `GET /ignore` | responds without asking for the session |
//! | `POST /stream` | counts; sends its head and the number as first chunk; then sends what [`stream`] returns |
//!
//! A server that drops the handlers of clients that have disconnected says so with
//! [`RunningServer::with_cancellation`], and the scenarios then check that it does.
//!
//! The integration turns session errors into responses as it always does. This is a whole test
//! file, for a server function called `serve`:
//!
//! ```
//! # use cloakroom::Sessions;
//! # use cloakroom_testkit::scenarios::{Barrier, RunningServer, Visitor};
//! # fn main() {}
//! # pub fn serve(_: Sessions<Visitor>, _: Barrier) -> RunningServer { std::process::abort() }
//! mod in_memory {
//!     cloakroom_testkit::scenarios!(super::serve, cloakroom::MemoryStore::new());
//! }
//! ```

mod app;
mod barrier;
mod browser;
mod connection;
mod cookies;
mod disconnects;
mod dropped_handlers;
mod failures;
mod outages;
mod parallel;
mod server;
mod sign_in;
mod visits;

pub use app::{RunningServer, Visitor, alice, answer, stream};
pub use barrier::Barrier;
pub use cookies::*;
pub use disconnects::*;
pub use dropped_handlers::*;
pub use failures::*;
pub use outages::*;
pub use parallel::*;
pub use server::ScenarioServer;
pub use sign_in::*;
pub use visits::*;

/// Makes one test of every scenario, for one server and one store.
///
/// The first expression is a function from `Sessions<Visitor>` and a
/// [`Barrier`](crate::scenarios::Barrier) to a
/// [`RunningServer`](crate::scenarios::RunningServer). The second is evaluated once per test and
/// gives a new, empty store.
#[macro_export]
macro_rules! scenarios {
    ($serve:expr, $store:expr $(,)?) => {
        $crate::for_each_scenario! { [$crate::__scenario_tests] ($serve) ($store) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! for_each_scenario {
    ([$($callback:tt)*] $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*
            a_first_write_begins_a_session_that_is_remembered
            reading_begins_nothing_and_varies_on_the_cookie
            a_route_that_ignores_the_session_costs_no_call_and_no_header
            a_key_is_sent_once_and_with_no_store
            two_handles_of_one_request_are_one_session
            a_read_never_removes_a_cookie
            after_login_the_old_key_opens_nothing
            a_logout_removes_the_cookie_and_ends_the_session
            a_request_in_flight_across_a_logout_revives_nothing
            a_revoked_session_is_gone_at_the_next_request
            a_session_revoked_during_a_request_is_written_no_more
            parallel_increments_all_count
            a_renewal_gives_all_parallel_requests_the_same_key
            the_old_key_retires_after_the_grace_and_no_one_is_locked_out
            an_idle_session_ends_at_its_deadline
            an_outage_is_a_503_and_ends_no_session
            a_write_whose_answer_is_lost_happens_once
            an_outage_is_a_503_on_every_route_that_uses_the_session
            a_request_lost_before_the_store_did_not_happen
            a_write_whose_answer_was_lost_has_happened
            a_malformed_or_unknown_cookie_is_neither_adopted_nor_a_500
            a_planted_key_never_hides_a_good_one
            a_good_key_is_found_behind_any_other_cookies
            a_quoted_cookie_is_the_visitors_own
            a_very_long_cookie_header_breaks_nothing
            a_panic_keeps_what_was_written_and_blocks_no_one
            a_500_keeps_what_was_written_and_its_cookie
            a_stream_changes_the_session_and_mints_no_key
            a_stream_sends_a_renewed_key_with_its_head
            a_client_that_disconnects_at_the_barrier_leaves_nothing_stuck
            a_client_that_disconnects_during_a_write_leaves_it_whole
            a_client_that_disconnects_during_its_login_never_has_two_keys
            a_client_that_disconnects_during_a_stream_leaves_nothing_stuck
            a_handler_dropped_at_the_barrier_keeps_what_it_wrote
            a_handler_dropped_during_a_store_call_blocks_no_other
            a_login_dropped_before_its_write_signs_no_one_in
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __scenario_tests {
    (($serve:expr) $store:tt $($scenario:ident)*) => {
        $(#[test]
        fn $scenario() {
            $crate::scenarios::$scenario($crate::scenarios::ScenarioServer::start($store, $serve));
        })*
    };
}
