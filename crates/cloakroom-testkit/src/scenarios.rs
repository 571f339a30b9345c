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
        $crate::for_each_scenario! { $crate::__scenario_tests { ($serve) ($store) } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! for_each_scenario {
    ($callback:path { $($arguments:tt)* }) => {
        $callback! {
            $($arguments)*
            a_first_visit_begins_a_session_that_is_remembered
            reading_begins_nothing_and_varies_on_the_cookie
            a_route_that_ignores_the_session_costs_nothing_and_says_nothing
            a_key_is_sent_once_and_never_to_a_cache
            two_handles_of_one_request_are_one_session
            a_stale_cookie_is_removed_on_a_navigation_only
            after_login_the_old_key_opens_nothing
            a_logout_is_obeyed_by_the_browser_and_by_the_store
            a_request_in_flight_across_a_logout_revives_nothing
            who_is_revoked_is_out_at_the_next_request
            who_is_revoked_in_the_middle_of_a_request_writes_nothing_more
            parallel_increments_all_count
            a_renewal_gives_all_parallel_requests_the_same_key
            the_old_key_retires_after_the_grace_and_nobody_is_locked_out
            a_visitor_who_does_nothing_is_out_at_the_deadline
            an_outage_is_a_503_and_logs_nobody_out
            a_write_whose_answer_is_lost_happens_once
            an_outage_is_a_503_on_every_route_that_asks
            a_post_that_got_lost_on_its_way_did_not_happen
            a_post_whose_answer_got_lost_has_happened
            no_cookie_however_odd_is_adopted_or_a_500
            a_planted_key_hides_no_good_one
            a_good_key_is_found_in_whichever_header_it_stands
            a_cookie_of_any_length_is_borne
            a_panic_loses_nothing_that_was_answered_and_stops_nobody
            a_500_keeps_what_was_written_and_its_cookie
            a_stream_goes_on_with_the_session_and_mints_no_key
            a_stream_sends_a_renewed_key_with_its_head
            a_browser_that_goes_away_at_the_gate_leaves_nothing_stuck
            a_browser_that_goes_away_in_the_middle_of_a_write_leaves_it_whole
            a_browser_that_goes_away_during_its_login_never_has_two_keys
            a_browser_that_goes_away_in_the_middle_of_a_stream_leaves_nothing_stuck
            a_handler_that_is_dropped_at_the_gate_keeps_what_it_wrote
            a_handler_that_is_dropped_while_the_store_is_asked_holds_nobody_up
            a_login_that_is_dropped_before_it_is_written_signs_nobody_in
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
