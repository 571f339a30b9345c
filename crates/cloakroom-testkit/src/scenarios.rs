//! The laws as a browser meets them: one suite for every framework, over real connections.
//!
//! An integration supplies one function that starts its server in this process, on a free port of `127.0.0.1`, and serves these
//! routes, each of which is [`answer`] but the two that are not about a request's handler:
//!
//! | route | what it does |
//! |---|---|
//! | `POST /count` | counts the visit; the number |
//! | `GET /read` | the number, or `null` without a session |
//! | `POST /login`, `POST /logout` | signs [`alice`] in, or out |
//! | `POST /revoke` | ends its own session from outside, through `Sessions` |
//! | `POST /both` | signs in by one handle and counts by another |
//! | `POST /slow` | counts, waits at the [`Gate`], counts again |
//! | `POST /panic` | counts, and panics |
//! | `POST /fail` | counts, and answers 500 |
//! | `GET /ignore` | answers without asking for the session |
//! | `POST /stream` | counts; sends its head and the number as a first chunk; then waits at the gate and sends what [`stream`] says |
//!
//! A server that drops the handlers of browsers that have left says so ([`Site::cancelling`]); the gate then sees that it does.
//!
//! An error of a session is answered as the integration answers all of them. Here is a whole test file, for a server
//! called `serve`:
//!
//! ```
//! # use cloakroom::Sessions;
//! # use cloakroom_testkit::scenarios::{Gate, Site, Visitor};
//! # fn main() {}
//! # pub fn serve(_: Sessions<Visitor>, _: Gate) -> Site { std::process::abort() }
//! mod in_memory {
//!     cloakroom_testkit::scenarios!(super::serve, cloakroom::MemoryStore::new());
//! }
//! ```

mod cookies;
mod dropped;
mod gate;
mod interrupted;
mod outages;
mod parallel;
mod signing;
mod site;
mod trouble;
mod venue;
mod visits;
mod wire;

pub use cookies::*;
pub use dropped::*;
pub use gate::Gate;
pub use interrupted::*;
pub use outages::*;
pub use parallel::*;
pub use signing::*;
pub use site::{Site, Visitor, alice, answer, stream};
pub use trouble::*;
pub use venue::Venue;
pub use visits::*;

/// Makes one test of every scenario, for a server and a store.
///
/// The first expression is a function from `Sessions<Visitor>` and [`Gate`](crate::scenarios::Gate) to a
/// [`Site`](crate::scenarios::Site); the second gives a fresh, empty store for each test.
#[macro_export]
macro_rules! scenarios {
    ($serve:expr, $store:expr $(,)?) => {
        $crate::for_each_scenario! { ($serve) ($store) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! for_each_scenario {
    ($serve:tt $store:tt) => {
        $crate::__scenario_tests! {
            $serve $store
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
            $crate::scenarios::$scenario($crate::scenarios::Venue::open($store, $serve));
        })*
    };
}
