//! The suite is tested: a store that is broken in one way fails the clause that forbids it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::naive::{Flaw, Naive};

fn assert_caught(flaw: Flaw, clause: fn(Naive)) {
    let outcome = catch_unwind(AssertUnwindSafe(|| clause(Naive::broken(flaw))));
    assert!(outcome.is_err(), "a store with the flaw {flaw:?} passed");
}

macro_rules! caught_by {
    ($rules:ident: $($rule:ident: $($flaw:ident),+;)*) => {
        mod $rules {
            use cloakroom_testkit::$rules;

            use super::{Flaw, assert_caught};

            $(#[test]
            fn $rule() {
                $(assert_caught(Flaw::$flaw, $rules::$rule);)+
            })*
        }
    };
}

caught_by! { store_suite:
    an_id_taken_by_a_session_is_refused_and_left_as_it_is: InsertOverwrites;
    an_id_taken_by_a_tombstone_is_refused_and_left_as_it_is: InsertReusesEndedIds, EndDeletes;
    of_many_that_insert_one_id_exactly_one_wins: InsertOverwrites;
    ids_that_differ_in_one_bit_are_two: IgnoresTheLastByteOfIds;
    an_expired_record_is_read_and_written_until_it_is_swept: GetHidesExpiredRecords;
    replacing_never_creates: ReplaceCreates;
    replacing_never_revives: ReplaceRevives, EndKeepsTheSession;
    a_mismatch_returns_what_stands_there_and_changes_nothing: ReplaceIgnoresRevisions;
    the_same_count_with_another_token_is_a_mismatch: ReplaceIgnoresTokens, NumbersAreSigned;
    a_write_that_is_sent_twice_recognises_itself: ReplaceIgnoresRevisions;
    the_record_of_the_expected_revision_is_replaced_whole: ReplaceKeepsTheOldValueIfUnset;
    of_many_that_expect_one_revision_exactly_one_wins: ReplaceReadsThenWrites;
    every_acknowledged_replacement_counts: ReplaceReadsThenWrites;
    a_touch_moves_the_idle_deadline_and_nothing_else: TouchCountsAsAWrite;
    a_touch_that_expects_another_revision_does_nothing: TouchIgnoresRevisions;
    a_touch_never_revives: TouchRevives;
    a_touch_never_moves_a_deadline_back: TouchMovesBack;
    ending_leaves_a_tombstone_and_no_session: EndDeletes, EndKeepsTheSession;
    ending_at_a_revision_takes_that_revision_alone: EndIfTakesAnyRevision, EndKeepsTheSession;
    ending_again_is_success_and_the_first_reason_stays: EndKeepsTheLastReason;
    ending_what_is_absent_leaves_nothing: EndLeavesATombstoneOfNothing;
    of_many_that_end_one_session_exactly_one_did: EndNeverReportsAlready;
    no_write_succeeds_after_an_end: ReplaceRevives, EndKeepsTheSession;
    who_was_admitted_is_listed_under_their_own_name_only: IndexIgnoresCase;
    a_later_admission_with_a_later_deadline_wins: FirstDeadlineWins;
    a_full_directory_names_its_entries_and_enters_nobody: IndexLoginIgnoresTheLimit;
    who_is_entered_is_not_refused_for_the_limit: IndexLoginCountsTheSessionItself;
    an_entry_makes_room_only_as_it_was_seen: IndexLoginReplacesChangedEntries;
    of_many_that_admit_at_once_no_more_than_the_limit_are_entered: IndexLoginReadsThenWrites;
    a_proof_older_than_a_revocation_is_refused: IndexLoginForgetsRevocations, RevocationsApplyToEveryone;
    of_several_revocations_the_latest_counts: RevocationsMoveBack;
    a_directory_is_listed_in_order_page_by_page: IndexSkipsEntriesBetweenPages;
    a_scan_shows_every_entry: ScanHidesTombstones;
    a_scan_is_complete_for_what_was_there_throughout: ScanPagesByPosition;
    a_sweep_removes_what_is_garbage_and_nothing_else: SweepIsAMillisecondEarly;
    a_sweep_removes_at_most_its_limit_and_fewer_only_at_the_end: SweepIgnoresItsLimit, SweepStopsEarly;
    any_payload_is_read_back_byte_by_byte: ValuesMustBeText;
    no_value_and_an_empty_one_are_two_things: UnsetIsEmpty;
    any_revision_is_kept_and_compared: NumbersAreSigned, ReplaceIgnoresTokens;
    a_dropped_replace_happens_whole_or_not_at_all: ReplaceDeletesThenWrites;
    a_store_that_works_is_healthy: IsNeverHealthy;
}

// The session_suite find the same flaws in the visitors' eyes.
caught_by! { session_suite:
    nothing_revives_an_ended_session: ReplaceRevives, EndKeepsTheSession;
    an_update_that_lost_its_race_runs_again_on_the_fresh_value: ReplaceIgnoresRevisions;
    after_login_the_old_key_opens_and_writes_nothing: ReplaceIgnoresRevisions, EndIfTakesAnyRevision;
    a_taken_id_is_never_overwritten: InsertOverwrites;
    only_the_holder_is_told_why_a_session_ended: EndDeletes;
    a_principals_live_sessions_are_listed_and_no_others: IndexSkipsEntriesBetweenPages, EndKeepsTheSession;
    of_many_logins_at_a_limit_exactly_as_many_remain: IndexLoginIgnoresTheLimit;
    a_limit_holds_however_logins_interleave_and_break_off: IndexLoginIgnoresTheLimit, IndexLoginReplacesChangedEntries;
    a_revocation_is_complete_however_logins_interleave_and_break_off: IndexLoginForgetsRevocations;
    a_login_whose_proof_is_older_than_a_revocation_is_refused: IndexLoginForgetsRevocations, RevocationsApplyToEveryone;
    a_revocation_reaches_a_login_in_flight: IndexLoginForgetsRevocations;
    signing_out_elsewhere_ends_the_others_and_says_so: EndDeletes, EndKeepsTheSession;
}

mod oracle {
    use cloakroom_testkit::oracle;

    use super::{Flaw, assert_caught};

    #[test]
    fn the_naive_model_tells_a_broken_store() {
        for flaw in [Flaw::EndKeepsTheSession, Flaw::SweepIsAMillisecondEarly] {
            assert_caught(flaw, oracle::check);
        }
    }
}
