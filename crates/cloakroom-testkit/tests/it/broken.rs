//! Tests of the suite: a store with a flaw fails the test of the rule that it breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::naive::{Flaw, Naive};

fn assert_caught(flaw: Flaw, test: fn(Naive)) {
    let outcome = catch_unwind(AssertUnwindSafe(|| test(Naive::with_flaw(flaw))));
    assert!(outcome.is_err(), "a store with the flaw {flaw:?} passed");
}

macro_rules! caught_by {
    ($suite:ident: $($test:ident: $($flaw:ident),+;)*) => {
        mod $suite {
            use cloakroom_testkit::$suite;

            use super::{Flaw, assert_caught};

            $(#[test]
            fn $test() {
                $(assert_caught(Flaw::$flaw, $suite::$test);)+
            })*
        }
    };
}

caught_by! { store_suite:
    an_id_with_a_session_is_refused_and_unchanged: InsertOverwrites;
    an_id_with_a_tombstone_is_refused_and_unchanged: InsertReusesEndedIds, EndDeletes;
    of_concurrent_inserts_exactly_one_wins: InsertOverwrites;
    ids_that_differ_in_one_bit_are_different: IgnoresTheLastByteOfIds;
    an_expired_record_is_read_and_written_until_it_is_swept: GetHidesExpiredRecords;
    replace_never_creates: ReplaceCreates;
    replace_never_revives: ReplaceRevives, EndKeepsTheSession;
    a_mismatch_returns_the_stored_record_and_changes_nothing: ReplaceIgnoresRevisions;
    the_same_count_with_another_token_is_a_mismatch: ReplaceIgnoresTokens, NumbersAreSigned;
    a_write_sent_twice_recognises_itself: ReplaceIgnoresRevisions;
    the_record_of_the_expected_revision_is_replaced_whole: ReplaceKeepsTheOldValueIfUnset;
    of_concurrent_replaces_of_one_revision_exactly_one_wins: ReplaceReadsThenWrites;
    every_acknowledged_replacement_counts: ReplaceReadsThenWrites;
    a_touch_moves_the_idle_deadline_and_nothing_else: TouchCountsAsAWrite;
    a_touch_that_expects_another_revision_does_nothing: TouchIgnoresRevisions;
    a_touch_never_revives: TouchRevives;
    a_touch_never_moves_a_deadline_back: TouchMovesBack;
    ending_leaves_a_tombstone_and_no_session: EndDeletes, EndKeepsTheSession;
    end_if_ends_the_expected_revision_only: EndIfTakesAnyRevision, EndKeepsTheSession;
    ending_twice_succeeds_and_keeps_the_first_reason: EndKeepsTheLastReason;
    ending_an_absent_session_leaves_no_tombstone: EndLeavesATombstoneOfNothing;
    of_concurrent_ends_exactly_one_is_told_now: EndNeverReportsAlready;
    no_write_succeeds_after_an_end: ReplaceRevives, EndKeepsTheSession;
    a_session_is_listed_under_its_own_principal_only: IndexIgnoresCase;
    the_later_deadline_of_two_logins_counts: FirstDeadlineWins;
    a_full_index_returns_its_entries_and_adds_none: IndexLoginIgnoresTheLimit;
    a_session_that_is_indexed_is_not_refused_at_the_limit: IndexLoginCountsTheSessionItself;
    an_entry_makes_room_only_if_it_is_unchanged: IndexLoginReplacesChangedEntries;
    concurrent_logins_never_exceed_the_limit: IndexLoginReadsThenWrites;
    a_limit_counts_the_sessions_of_its_kind:
        IndexLoginCountsEveryKind, IndexLoginCountsAmongTheFirstEntries;
    a_limit_across_kinds_counts_every_session: IndexLoginCountsItsOwnKindOnly;
    concurrent_logins_never_exceed_the_limit_of_their_kind: IndexLoginReadsThenWrites;
    a_proof_older_than_a_revocation_is_refused:
        IndexLoginForgetsRevocations, RevocationsApplyToEveryone, RevocationsApplyToOneKind;
    the_latest_of_several_revocations_counts: RevocationsMoveBack;
    an_erasure_removes_entries_and_shortens_the_revocation:
        EraseRemovesEveryEntry, ErasedRevocationsStay;
    sessions_are_listed_in_order_page_by_page: IndexSkipsEntriesBetweenPages;
    sessions_are_listed_by_kind_or_all_together: IndexListsEveryKind;
    a_scan_shows_every_entry: ScanHidesTombstones;
    a_scan_shows_every_entry_that_stays: ScanPagesByPosition;
    a_sweep_removes_garbage_and_nothing_else: SweepIsAMillisecondEarly;
    a_sweep_removes_at_most_its_limit_and_fewer_only_at_the_end:
        SweepIgnoresItsLimit, SweepStopsEarly;
    any_payload_is_read_back_byte_by_byte: ValuesMustBeText;
    no_value_differs_from_an_empty_value: UnsetIsEmpty;
    any_revision_is_kept_and_compared: NumbersAreSigned, ReplaceIgnoresTokens;
    a_dropped_replace_is_atomic: ReplaceDeletesThenWrites;
    a_store_that_works_is_healthy: IsNeverHealthy;
}

// The session suite finds the same flaws as applications would see them.
caught_by! { session_suite:
    nothing_revives_an_ended_session: ReplaceRevives, EndKeepsTheSession;
    an_update_that_lost_a_race_runs_again_on_the_new_value: ReplaceIgnoresRevisions;
    after_login_the_old_key_opens_and_writes_nothing:
        ReplaceIgnoresRevisions, EndIfTakesAnyRevision;
    a_taken_id_is_never_overwritten: InsertOverwrites;
    only_the_holder_is_told_why_a_session_ended: EndDeletes;
    a_principals_live_sessions_are_listed_and_no_others:
        IndexSkipsEntriesBetweenPages, EndKeepsTheSession;
    of_concurrent_logins_exactly_the_limit_remain: IndexLoginIgnoresTheLimit;
    a_limit_holds_however_logins_interleave_and_are_dropped:
        IndexLoginIgnoresTheLimit, IndexLoginReplacesChangedEntries;
    a_revocation_is_complete_however_logins_interleave: IndexLoginForgetsRevocations;
    a_login_whose_proof_is_older_than_a_revocation_is_refused:
        IndexLoginForgetsRevocations, RevocationsApplyToEveryone;
    a_revocation_reaches_a_login_in_flight: IndexLoginForgetsRevocations;
    logging_out_other_sessions_ends_them_and_names_the_reason: EndDeletes, EndKeepsTheSession;
    a_list_shows_the_sessions_of_its_kind: IndexListsEveryKind;
    a_policys_limit_counts_the_sessions_of_its_kind: IndexLoginCountsEveryKind;
    a_policys_limit_across_kinds_counts_every_session: IndexLoginCountsItsOwnKindOnly;
    a_revocation_reaches_every_kind: RevocationsApplyToOneKind;
}

mod oracle {
    use cloakroom_testkit::oracle;

    use super::{Flaw, assert_caught};

    #[test]
    fn the_oracle_finds_a_flaw() {
        for flaw in [Flaw::EndKeepsTheSession, Flaw::SweepIsAMillisecondEarly] {
            assert_caught(flaw, oracle::check);
        }
    }
}
