//! Tests of [`Sessions`](cloakroom::Sessions) on a store.
//!
//! Each function takes a new, empty store and panics if the rule that it is named after does not
//! hold. Time comes from a [`ManualClock`](crate::ManualClock).
//! [`conformance!`](crate::conformance) makes a test of every one.

mod auth_requirement;
mod cancellation;
mod carriers;
mod clocks;
mod cross_site;
mod csrf;
mod decoding;
mod detached;
mod device_binding;
mod ending;
mod headers;
mod interleaving;
mod keys;
mod kinds;
mod legacy;
mod lifetime;
mod limits;
mod login;
mod map;
mod observe;
mod operators;
mod other_sessions;
mod outages;
mod peer_flaws;
mod renewal;
mod round_trips;
mod several_keys;
mod sign_in_again;
mod timeouts;
mod values;
mod writes;

use cloakroom::{Error, ErrorKind, Key, NoSession, Principal, Session};
use serde::{Deserialize, Serialize};

pub use auth_requirement::*;
pub use cancellation::*;
pub use carriers::*;
pub use clocks::*;
pub use cross_site::*;
pub use csrf::*;
pub use decoding::*;
pub use detached::*;
pub use device_binding::*;
pub use ending::*;
pub use headers::*;
pub use interleaving::*;
pub use keys::*;
pub use kinds::*;
pub use legacy::*;
pub use lifetime::*;
pub use limits::*;
pub use login::*;
pub use map::*;
pub use observe::*;
pub use operators::*;
pub use other_sessions::*;
pub use outages::*;
pub use peer_flaws::*;
pub use renewal::*;
pub use round_trips::*;
pub use several_keys::*;
pub use sign_in_again::*;
pub use timeouts::*;
pub use values::*;
pub use writes::*;

/// Calls a macro with the names of all tests of the suite.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_session_test {
    ($($callback:tt)*) => {
        $($callback)*! {
            // Keys
            an_unknown_key_is_never_adopted
            a_wrong_secret_opens_nothing_and_changes_nothing
            a_key_of_another_kind_opens_nothing
            a_lookup_tells_no_key_a_session_and_a_useless_key_apart
            a_taken_id_is_never_overwritten
            a_planted_key_never_hides_a_good_one
            a_store_never_sees_a_secret
            // Several keys in one request
            a_valid_key_opens_its_session_next_to_a_key_of_any_other_status
            a_retired_key_next_to_its_successor_ends_nothing
            a_renewal_is_completed_although_the_old_cookie_comes_first
            signing_out_ends_every_session_whose_key_was_presented
            dead_keys_do_not_hide_a_valid_one_and_the_work_is_bounded
            a_strict_cookie_comes_and_goes_with_its_marker
            signing_in_ends_the_other_sessions_whose_keys_were_presented
            signing_out_ends_a_session_that_could_not_be_read_before
            // Signing in again
            a_double_click_on_a_sign_in_form_succeeds_twice_with_one_key
            a_double_click_during_a_renewal_converges
            a_lost_sign_in_response_locks_no_one_out
            the_holder_of_an_old_key_gains_nothing_from_a_sign_in
            a_key_retired_by_a_renewal_has_no_token_of_the_present_family
            an_ended_or_revoked_session_is_not_signed_in_on_again
            two_logins_in_one_request_send_one_working_key
            a_login_changes_the_value_in_the_same_write
            a_late_sign_in_as_another_ends_no_newer_session
            a_reused_key_does_not_end_a_session_that_was_signed_in_on_meanwhile
            a_key_never_opens_more_than_its_sign_in_has_proved
            a_refused_sign_in_as_another_leaves_the_session_as_it_was
            a_reused_key_finds_its_session_at_sign_in_unless_the_policy_ends_it
            a_sign_in_after_an_end_in_one_request_begins_a_session
            a_late_change_undoes_no_sign_in_and_no_end_of_its_request
            // Other sites
            a_request_of_another_site_without_a_key_begins_nothing
            a_link_and_a_request_of_this_site_begin_a_session
            under_strict_a_link_is_withheld_only_from_a_browser_with_a_session
            a_sign_in_that_another_site_sends_is_refused_unless_it_was_verified
            a_handler_can_let_a_session_begin_for_another_site
            a_response_varies_on_what_was_looked_at
            a_speculative_request_takes_no_message
            a_speculative_request_does_not_renew_the_key
            a_read_never_extends_a_session_opened_without_touching
            a_dead_cookie_does_not_make_a_foreign_form_one_of_this_site
            // How keys travel
            a_key_opens_nothing_if_it_travels_in_the_other_way
            a_foreign_bearer_token_hides_nothing
            a_key_that_is_used_outside_a_request_is_never_renewed
            a_sign_in_chooses_how_its_key_travels
            a_session_can_change_from_a_cookie_to_a_bearer_token
            no_key_is_minted_that_could_not_be_presented
            a_sign_out_with_a_bearer_token_and_a_cookie_ends_both
            // Device binding
            a_session_is_bound_at_a_sign_in_and_its_first_key_opens_nothing_more
            a_browser_that_binds_nothing_keeps_its_cookie
            a_lost_registration_answer_locks_no_one_out
            a_copy_of_the_cookie_binds_nothing
            an_offer_ends_with_its_sign_in
            another_users_offer_signs_no_browser_in
            a_sign_in_sent_twice_ends_no_binding
            a_renewal_before_a_binding_is_used_keeps_it
            a_binding_is_confirmed_by_a_proof_too
            a_binding_is_never_replaced_by_a_registration
            a_device_is_registered_for_some_minutes_after_a_sign_in_only
            only_a_sign_in_with_a_lasting_cookie_offers_a_binding
            a_login_drops_the_binding_and_offers_another
            a_policy_can_require_a_device_from_an_assurance_on
            a_bound_cookie_that_has_ended_is_refreshed_by_a_proof
            a_refresh_is_no_use_of_the_session
            parallel_refreshes_each_get_a_secret_up_to_four
            a_lost_refresh_answer_is_repaired_by_the_same_proof
            a_refresh_without_a_proof_or_with_an_old_challenge_is_given_a_new_one
            while_the_store_is_down_a_refresh_is_told_to_try_again
            a_request_that_skips_the_refresh_of_a_bound_session_begins_nothing
            a_sign_out_and_a_revocation_end_a_bound_session
            a_refresh_never_brings_back_a_session_that_the_browser_has_left
            a_browser_whose_key_is_gone_signs_in_again
            a_bound_browser_goes_on_for_as_long_as_its_session
            a_detached_session_ends_with_its_bound_secret
            a_skipped_refresh_counts_only_for_the_session_that_the_browser_is_in
            a_sign_out_without_a_proof_leaves_the_session
            a_link_to_a_strict_bound_session_begins_nothing
            a_copied_bound_cookie_is_worth_the_rest_of_its_minutes
            a_key_copied_before_the_binding_is_worth_a_minute_of_it
            an_attacker_who_renews_the_key_gains_no_time
            extending_a_bound_session_extends_no_secret
            a_proof_that_is_not_the_devices_leads_to_nothing
            a_socket_opened_with_a_copied_cookie_ends_with_it
            a_lost_device_key_locks_no_one_out_of_a_limit
            // Clocks
            a_revocation_ends_a_session_that_a_clock_ahead_signed_in
            a_sensitive_step_is_refused_after_a_revocation_that_did_not_reach_the_session
            a_clock_that_is_set_back_keeps_no_key_superseded
            a_clock_that_is_set_back_does_not_stop_renewal
            extending_in_every_request_renews_the_key_no_more_often_than_the_timer
            // Ending
            nothing_revives_an_ended_session
            nothing_revives_a_revoked_session
            nothing_revives_an_expired_session
            revoking_a_principal_ends_all_their_sessions_and_no_others
            an_extended_session_is_still_found_by_its_principal
            revoking_a_principal_spares_a_session_that_another_signed_in_on
            only_the_holder_is_told_why_a_session_ended
            ending_twice_succeeds
            a_write_after_logout_begins_a_session_under_another_key
            nothing_can_be_set_after_the_end
            a_principals_live_sessions_are_listed_and_no_others
            logging_out_other_sessions_ends_them_and_names_the_reason
            logging_out_everywhere_ends_every_session_of_the_principal
            a_request_whose_key_was_replaced_logs_no_session_out
            an_anonymous_session_has_no_other_sessions
            // Kinds of session
            a_list_shows_the_sessions_of_its_kind
            a_policys_limit_counts_the_sessions_of_its_kind
            a_policys_limit_across_kinds_counts_every_session
            of_concurrent_logins_of_two_kinds_the_limit_of_each_remains
            revoking_a_principal_ends_sessions_of_every_kind_or_of_one
            a_revocation_reaches_every_kind
            logging_out_other_sessions_ends_those_of_every_kind
            // Writes
            concurrent_updates_all_count
            an_update_that_lost_a_race_runs_again_on_the_new_value
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
            a_map_without_a_message_is_not_written
            // Signing in and renewal
            after_login_the_old_key_opens_and_writes_nothing
            after_renew_the_old_key_opens_and_writes_nothing
            login_keeps_the_value_and_resets_both_deadlines
            login_as_another_principal_ends_the_old_session
            two_logins_at_once_are_given_the_same_key
            login_of_another_principal_with_a_superseded_key_begins_a_new_session
            a_superseded_key_begins_nothing_and_is_forgotten_after_a_minute
            a_guard_renews_and_the_handler_still_writes
            every_request_with_the_old_key_is_given_the_same_next_key
            lost_responses_lock_no_one_out
            the_old_key_retires_once_the_next_is_used_again_after_the_grace
            a_reused_key_ends_the_session
            key_reuse_is_only_reported_if_the_policy_says_so
            a_reused_key_is_refused_if_the_policy_says_so
            key_reuse_is_detected_after_the_span_of_the_policy
            a_key_replaced_at_login_is_never_key_reuse
            renewal_waits_until_the_old_key_has_retired
            a_bearer_token_is_never_renewed
            parallel_requests_at_a_renewal_all_succeed
            a_key_replaced_before_its_response_is_not_sent
            a_client_that_never_takes_the_next_key_does_not_go_idle
            of_concurrent_logins_exactly_the_limit_remain
            a_limit_holds_however_logins_interleave_and_are_dropped
            a_revocation_is_complete_however_logins_interleave
            at_a_limit_the_oldest_login_ends_and_is_told_why
            a_limit_that_rejects_new_logins_ends_no_session
            an_ended_or_expired_session_does_not_count_against_a_limit
            a_login_mistaken_for_an_abandoned_one_does_not_exceed_the_limit
            a_sign_in_that_is_refused_once_written_leaves_the_visitor_their_session
            a_login_whose_proof_is_older_than_a_revocation_is_refused
            a_revocation_reaches_a_login_in_flight
            a_revocation_ends_older_sessions_and_spares_later_ones
            a_revocation_in_the_future_locks_no_one_out
            a_step_up_requires_a_recent_sign_in
            a_step_up_requires_a_strong_enough_sign_in
            a_step_up_fails_on_a_session_that_has_ended
            a_client_is_listed_under_its_label
            a_csrf_token_is_good_for_one_key_family_and_one_form
            a_csrf_token_from_before_a_renewal_is_good_after_it
            a_csrf_token_begins_a_session_for_a_visitor_without_one
            // Sessions of another library
            a_legacy_token_leads_to_one_session_however_often_it_comes
            two_imports_at_once_begin_one_session
            an_imported_session_is_found_after_the_legacy_session_is_gone
            an_import_replaces_no_session_that_exists a_token_that_leads_to_no_session_is_reported
            a_legacy_token_opens_nothing_once_the_new_key_is_in_use
            nothing_is_imported_after_a_logout
            an_imported_login_counts_as_long_ago
            an_unconfirmed_import_is_confirmed_before_it_opens
            an_import_is_not_reported_before_its_key_is_sent
            a_retired_key_does_not_keep_an_old_session_out
            an_import_in_a_prefetch_leaves_the_legacy_session_alone
            a_token_for_another_service_does_not_hinder_an_import
            an_import_over_the_session_limit_is_not_an_error
            an_import_never_replaces_a_session_begun_meanwhile
            nothing_is_imported_over_a_login_or_without_a_legacy_session
            a_legacy_store_that_is_down_is_an_error
            // Outside a request
            a_detached_session_outlives_renewals_and_its_changes_count
            a_detached_session_ends_with_its_session
            a_session_detached_before_a_login_neither_reads_nor_writes_after_it
            reading_a_detached_session_does_not_extend_it_and_keep_alive_does
            a_detached_session_has_no_key_and_mints_none
            a_grant_opens_its_session_and_none_of_another_kind
            // Events
            events_describe_the_life_of_a_session
            no_event_shows_a_secret_or_a_value
            a_key_that_opens_nothing_is_reported_each_time
            events_about_useless_keys_have_the_clients_address
            a_client_is_recorded_only_if_the_policy_asks
            // Timeouts
            a_session_keeps_its_own_lifetime_through_every_write
            the_cookie_follows_the_sessions_own_lifetime
            giving_one_lifetime_in_every_request_renews_the_key_no_more_often_than_the_timer
            a_page_is_told_when_the_session_is_about_to_expire
            an_idle_session_ends_at_its_deadline_and_use_moves_it
            the_absolute_deadline_holds_however_busy_the_session
            a_touch_is_written_once_per_fraction_of_the_idle_timeout
            the_cookie_never_ends_before_the_record
            a_change_of_the_default_lifetime_leaves_sessions_as_they_are
            an_expiry_of_zero_ends_the_session
            an_explicit_expiry_is_exact
            a_session_that_outlives_its_cookie_has_its_key_renewed
            a_session_extended_during_a_renewal_sends_the_derived_key_again
            // Outages
            a_store_that_is_down_is_an_error_and_begins_nothing
            a_write_whose_answer_was_lost_counts_once
            a_login_that_has_written_its_record_never_says_that_nothing_happened
            a_login_that_has_made_room_never_says_that_nothing_happened
            an_end_of_several_sessions_that_failed_may_have_happened
            a_switch_that_cannot_be_withdrawn_may_have_happened
            a_session_whose_creation_cannot_be_settled_may_exist
            a_change_whose_answer_was_lost_may_have_happened_although_the_session_ended
            a_failed_login_leaves_the_session_as_it_was
            a_failed_renewal_or_touch_does_not_fail_the_read
            // Decoding
            a_value_that_could_not_be_read_back_is_refused
            the_error_for_an_unfit_value_names_the_type_and_the_reason
            a_map_refuses_what_json_cannot_hold
            a_codec_that_loses_what_it_wrote_is_found_at_the_write
            an_older_version_keeps_the_fields_that_it_does_not_know
            a_field_that_a_version_removes_is_gone
            a_write_encodes_its_value_once
            a_value_larger_than_the_bound_is_refused
            a_value_of_several_megabytes_is_refused_by_default
            an_operator_changes_a_session_by_its_id
            an_operators_change_and_the_holders_are_both_kept
            an_operator_revives_no_session_and_reaches_none_of_another_kind
            all_sessions_of_a_principal_are_changed_and_no_others
            a_change_of_all_sessions_fails_if_the_store_does
            an_operators_change_costs_two_round_trips
            an_erased_principal_is_named_nowhere
            a_changed_credential_ends_all_other_sessions_and_renews_this_one
            a_changed_credential_without_a_user_is_an_error
            a_set_without_an_expiry_returns_to_the_sessions_lifetime
            an_explicit_expiry_ends_at_the_absolute_timeout_at_the_latest
            a_week_is_counted_from_the_last_write_or_use
            a_session_can_begin_with_an_expiry_in_every_way
            a_session_given_a_longer_lifetime_during_a_sign_in_stays_listed
            the_marker_in_a_former_scope_is_removed_with_its_cookie
            a_secure_cookie_over_plain_http_is_told_once cookies_that_never_come_back_are_told_once
            a_session_of_another_version_keeps_its_key_and_is_never_overwritten
            a_damaged_session_is_treated_by_policy_and_never_overwritten
            an_older_schema_is_upgraded_and_rewritten_by_the_next_change
            a_session_without_a_value_is_not_set
            // Headers
            an_existing_key_is_never_sent_again
            a_response_that_read_the_session_varies_on_the_cookie
            a_key_is_sent_once_and_with_no_store
            a_read_never_removes_a_cookie
            no_key_is_minted_after_the_response_head
            a_quoted_cookie_opens_its_session
            expires_says_the_same_as_max_age
            a_cookie_of_the_browser_session_has_no_end
            a_response_with_a_key_lets_no_cache_store_it
            a_key_is_sent_even_if_a_response_has_no_room
            a_cookie_in_a_former_scope_is_removed_by_its_own_attributes
            a_private_page_is_not_stored
            a_sign_out_clears_site_data_if_the_policy_asks
            // Round trips
            round_trips_are_the_fewest_possible
            a_page_of_a_list_costs_one_read_per_entry
            a_cookie_that_is_not_a_key_costs_nothing
            handles_requested_at_once_share_one_read
            // Flaws of other libraries that no other test covers
            no_operation_adopts_a_key_chosen_by_the_client
            a_write_before_the_end_in_one_request_does_not_come_back
            a_cancelled_request_never_blocks_a_logout
            a_logout_on_one_node_is_seen_by_the_other_at_once
            a_cookie_is_read_under_the_name_it_was_set_under
            // Cancellation
            a_dropped_update_is_atomic
            a_dropped_login_never_leaves_two_working_keys
            a_dropped_end_is_atomic
            a_dropped_read_leaves_the_key_working
        }
    };
}

/// The session value of these tests.
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

/// The key of a live session.
fn key_of<V: cloakroom::SessionValue>(session: &Session<V>) -> Key {
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

/// The session that a request with this key opens.
async fn open(test: &TestSessions, key: &Key) -> Session<Counter> {
    test.sessions.request_session().session(&test.request(key)).await.expect("the store is up")
}

fn assert_kind<T>(result: Result<T, Error>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("expected {kind:?}, but it succeeded"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

/// Panics unless the key opens nothing; returns the reason.
async fn assert_opens_nothing(test: &TestSessions, key: &Key) -> NoSession {
    let session = open(test, key).await;
    session.no_session().expect("the key must open nothing")
}
