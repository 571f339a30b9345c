//! The laws of sessions, each asked of [`Sessions`](cloakroom::Sessions) on the store in question.
//!
//! A law is a function that takes a fresh, empty store and panics if the law is broken. Time is turned by hand.

mod auth_requirement;
mod cancellation;
mod csrf;
mod decoding;
mod detached;
mod encoding_store;
mod ending;
mod headers;
mod interleaving;
mod keys;
mod legacy;
mod lifetime;
mod limits;
mod login;
mod map;
mod observe;
mod other_sessions;
mod outages;
mod peer_flaws;
mod renewal;
mod round_trips;
mod timeouts;
mod writes;

use cloakroom::{Error, ErrorKind, Key, NoSession, Principal, Session};
use serde::{Deserialize, Serialize};

pub use auth_requirement::*;
pub use cancellation::*;
pub use csrf::*;
pub use decoding::*;
pub use detached::*;
pub use ending::*;
pub use headers::*;
pub use interleaving::*;
pub use keys::*;
pub use legacy::*;
pub use lifetime::*;
pub use limits::*;
pub use login::*;
pub use map::*;
pub use observe::*;
pub use other_sessions::*;
pub use outages::*;
pub use peer_flaws::*;
pub use renewal::*;
pub use round_trips::*;
pub use timeouts::*;
pub use writes::*;

/// Calls a macro with the names of all laws.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_session_test {
    ($($callback:tt)*) => {
        $($callback)*! {
            // 1. Keys
            an_unknown_key_is_never_adopted
            a_wrong_secret_opens_nothing_and_changes_nothing
            a_key_of_another_kind_opens_nothing
            the_three_outcomes_of_a_lookup
            a_taken_id_is_never_overwritten
            a_planted_key_never_hides_a_good_one
            a_store_never_sees_a_secret
            // 2. Endings
            nothing_revives_an_ended_session
            nothing_revives_a_revoked_session
            nothing_revives_an_expired_session
            revoking_a_principal_ends_all_their_sessions_and_no_others
            an_extended_session_is_still_found_by_its_principal
            revoking_a_principal_spares_a_session_that_another_won
            only_the_holder_is_told_why_a_session_ended
            ending_twice_is_success
            a_farewell_after_logout_is_kept_under_another_key
            nothing_can_be_set_after_the_end
            a_principals_live_sessions_are_listed_and_no_others
            signing_out_elsewhere_ends_the_others_and_says_so
            signing_out_everywhere_ends_every_session_of_the_principal
            a_request_with_a_key_that_died_signs_nobody_out
            a_visitor_who_is_not_signed_in_signs_nobody_out
            // 3. Writes
            concurrent_updates_all_count
            an_update_that_lost_its_race_runs_again_on_the_fresh_value
            what_an_update_returned_is_in_the_store
            an_unchanged_value_is_not_written
            a_failing_update_writes_nothing
            extending_never_rewrites_the_value
            two_handles_of_one_request_begin_one_session
            handles_of_one_request_see_each_others_changes
            a_removed_entry_stays_removed
            two_requests_that_change_different_keys_both_count
            an_entry_of_another_type_is_never_lost
            a_message_is_shown_once
            a_message_in_a_map_costs_nothing_where_there_is_none
            // 4. Signing in and renewal
            after_login_the_old_key_opens_and_writes_nothing
            after_elevate_the_old_key_opens_and_writes_nothing
            login_keeps_the_value_and_resets_both_deadlines
            login_as_another_ends_the_old_session_and_begins_a_blank_one
            a_double_click_on_login_ends_signed_in
            login_with_a_superseded_key_begins_a_new_session
            a_superseded_key_begins_nothing_and_is_forgotten_after_a_minute
            a_guard_may_renew_and_the_handler_still_write
            all_who_present_the_old_key_are_given_the_same_next_one
            lost_responses_lock_nobody_out
            the_old_key_retires_when_the_next_was_seen_again_after_the_grace
            a_retired_key_in_use_long_after_ends_the_session
            a_retired_key_may_be_reported_only
            a_retired_key_may_be_refused
            theft_is_noticed_after_the_span_the_policy_says
            a_key_replaced_at_login_is_never_taken_for_theft
            renewal_waits_until_the_old_key_has_retired
            a_bearer_token_is_never_renewed
            parallel_requests_at_a_renewal_all_succeed
            a_key_that_died_before_its_response_is_not_sent
            a_client_that_never_takes_the_next_key_does_not_go_idle
            of_many_logins_at_a_limit_exactly_as_many_remain
            a_limit_holds_however_logins_interleave_and_break_off
            a_revocation_is_complete_however_logins_interleave_and_break_off
            at_a_limit_the_first_signed_in_makes_room_and_is_told_why
            a_limit_that_refuses_ends_nobody
            a_session_that_is_over_does_not_count_against_a_limit
            a_login_taken_for_a_leftover_by_a_rival_does_not_exceed_the_limit
            a_login_whose_proof_is_older_than_a_revocation_is_refused
            a_revocation_reaches_a_login_in_flight
            a_revocation_ends_older_sessions_and_spares_later_ones
            a_revocation_years_ahead_locks_nobody_out
            a_sensitive_step_asks_for_a_recent_sign_in
            a_sensitive_step_asks_how_well_the_visitor_signed_in
            a_sensitive_step_is_refused_to_a_session_that_just_ended
            a_client_is_listed_under_the_name_its_visitor_gave_it
            a_form_token_lasts_through_renewals_and_not_through_a_login
            a_form_token_from_before_a_renewal_is_good_after_it
            a_form_token_begins_a_session_for_a_visitor_who_has_none
            // Sessions of another library
            a_token_leads_to_one_session_however_often_it_comes
            two_heirs_at_once_are_one
            an_heir_is_found_though_the_estate_is_gone
            an_anonymous_session_gives_way_to_an_inherited_login_only
            a_token_opens_nothing_once_its_visitor_came_back_with_the_new_key
            nobody_is_inherited_after_a_logout
            an_inherited_login_counts_as_long_ago
            an_heir_whose_creator_went_away_is_confirmed_before_it_opens
            nothing_is_taken_over_before_the_key_is_on_its_way
            an_inheritance_that_a_limit_refuses_is_no_failure
            what_a_request_begins_meanwhile_is_not_given_up_for_an_inheritance
            who_has_a_session_or_no_estate_inherits_nothing
            an_old_store_that_is_down_logs_nobody_out
            // Outside a request
            an_attendance_lasts_through_renewals_and_its_changes_count
            an_attendance_ends_with_the_session
            an_attendance_from_before_a_login_has_no_part_in_what_follows
            looking_is_no_use_and_keeping_alive_is
            an_attendance_has_no_key_and_mints_none
            a_stub_attends_the_same_session_and_is_none_of_another_kind
            // 8. What is told
            events_tell_the_life_of_a_session
            no_event_shows_a_secret_or_a_value
            a_key_that_opens_nothing_is_reported_each_time
            events_about_keys_that_open_nothing_name_the_clients_address
            a_client_is_described_only_where_the_policy_asks
            // 5. Timeouts
            a_lifetime_of_ones_own_sticks_through_every_write
            the_cookie_follows_a_lifetime_of_ones_own
            a_page_is_told_when_the_session_is_about_to_expire
            an_idle_session_ends_at_its_deadline_and_use_moves_it
            the_absolute_deadline_holds_however_busy_the_session
            a_touch_is_written_once_per_fraction_of_the_idle_timeout
            the_cookie_never_ends_before_the_record
            a_session_keeps_the_lifetime_it_was_given
            an_expiry_of_zero_ends_the_session
            an_explicit_expiry_is_exact
            outgrowing_the_cookie_renews_the_key
            outgrowing_the_cookie_during_a_renewal_sends_the_derived_key
            // 6. Outages
            a_store_that_is_down_logs_nobody_out_and_begins_nothing
            a_write_whose_answer_was_lost_counts_once
            a_lost_login_leaves_nobody_half_signed_in
            a_failed_upkeep_does_not_fail_the_read
            // 7. Decoding
            an_undecodable_session_is_set_aside_and_never_overwritten
            an_undecodable_session_may_be_refused_or_ended
            an_older_schema_is_upgraded_and_written_anew_by_the_next_change
            a_session_without_a_value_says_so
            // 9. Headers
            an_existing_key_is_never_sent_again
            every_response_that_asked_varies_on_the_cookie
            a_key_is_sent_with_no_store_and_once
            a_stale_key_is_removed_on_a_navigation_only
            no_key_is_minted_after_the_response_head
            // 10. Round trips
            round_trips_are_the_fewest_possible
            a_page_of_a_long_list_costs_no_more_than_the_page
            what_is_no_key_costs_nothing
            handles_that_are_asked_for_at_once_cost_one_read
            // Peers' flaws that no other law asks about
            nothing_done_first_adopts_the_clients_id
            what_was_written_before_the_end_does_not_come_back
            a_cancelled_request_never_stands_in_the_way_of_a_logout
            a_logout_on_one_node_is_seen_by_the_other_at_once
            a_cookie_is_read_under_the_name_it_was_set_under
            // 11. Cancellation
            a_dropped_update_happens_whole_or_not_at_all
            a_dropped_login_never_leaves_two_working_keys
            a_dropped_end_happens_whole_or_not_at_all
            a_dropped_read_harms_nothing
        }
    };
}

/// The value that the laws write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counter {
    count: u64,
    notes: Vec<String>,
}

impl Counter {
    fn of(count: u64) -> Self {
        Self { count, notes: Vec::new() }
    }
}

type TestSessions = crate::TestSessions<Counter>;

fn alice() -> Principal {
    Principal::new("alice").expect("a valid name")
}

fn bob() -> Principal {
    Principal::new("bob").expect("a valid name")
}

/// The key of a session that has one.
fn key_of(session: &Session<Counter>) -> Key {
    session.key().expect("a live session has a key").clone()
}

async fn increment(session: &mut Session<Counter>) -> Result<u64, Error> {
    session
        .update(|counter| {
            counter.count += 1;
            counter.count
        })
        .await
}

/// The session that a request with this key sees.
async fn open(test: &TestSessions, key: &Key) -> Session<Counter> {
    test.sessions.request_session().session(&test.request(key)).await.expect("the store is up")
}

fn assert_kind<T>(result: Result<T, Error>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("expected {kind:?}, but it succeeded"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

/// Panics unless the key opens nothing.
async fn assert_dead(test: &TestSessions, key: &Key) -> NoSession {
    let session = open(test, key).await;
    session.no_session().expect("the key must open nothing")
}
