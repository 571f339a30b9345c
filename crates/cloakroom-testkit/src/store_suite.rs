//! Tests of the [`Store`] contract.
//!
//! Each function takes a new, empty store and panics if the store breaks the rule that the
//! function is named after. [`conformance!`](crate::conformance) makes a test of every one.

mod cancellation;
mod end;
mod extensions;
mod get;
mod index;
mod insert;
mod replace;
mod scan;
mod sweep;
mod touch;
mod values;

use std::sync::Barrier;
use std::time::Duration;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{EndReason, Ending, Record, Revision, Stored, Tombstone};
use cloakroom::store::{Ended, Inserted, Page};
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, Principal, PublicId, Store, Timestamp, protocol};

use crate::clock::ManualClock;

pub use cancellation::*;
pub use end::*;
pub use extensions::*;
pub use get::*;
pub use index::*;
pub use insert::*;
pub use replace::*;
pub use scan::*;
pub use sweep::*;
pub use touch::*;
pub use values::*;

/// Calls a macro with the names of all tests of the suite.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_store_test {
    ($($callback:tt)*) => {
        $($callback)*! {
            // insert
            an_inserted_record_is_read_back_whole
            an_id_with_a_session_is_refused_and_unchanged
            an_id_with_a_tombstone_is_refused_and_unchanged
            of_concurrent_inserts_exactly_one_wins
            // get
            an_id_that_was_never_inserted_is_absent
            ids_that_differ_in_one_bit_are_different
            any_sixteen_bytes_are_an_id
            an_expired_record_is_read_and_written_until_it_is_swept
            // replace
            the_record_of_the_expected_revision_is_replaced_whole
            replace_never_creates
            replace_never_revives
            a_mismatch_returns_the_stored_record_and_changes_nothing
            the_same_count_with_another_token_is_a_mismatch
            a_write_sent_twice_recognises_itself
            of_concurrent_replaces_of_one_revision_exactly_one_wins
            every_acknowledged_replacement_counts
            // touch
            a_touch_moves_the_idle_deadline_and_nothing_else
            a_touch_that_expects_another_revision_does_nothing
            a_touch_never_creates
            a_touch_never_revives
            a_touch_never_moves_a_deadline_back
            a_touch_in_flight_never_undoes_a_write
            // end
            ending_leaves_a_tombstone_and_no_session
            end_ends_any_revision
            end_if_ends_the_expected_revision_only
            ending_twice_succeeds_and_keeps_the_first_reason
            ending_an_absent_session_leaves_no_tombstone
            of_concurrent_ends_exactly_one_is_told_now
            no_write_succeeds_after_an_end
            // index_login, revoke_before, sessions_of
            a_session_is_listed_under_its_own_principal_only
            a_login_indexed_twice_is_listed_once
            the_later_deadline_of_two_logins_counts
            a_live_session_stays_listed_whatever_is_written_and_swept
            a_full_index_returns_its_entries_and_adds_none
            a_session_that_is_indexed_is_not_refused_at_the_limit
            an_entry_makes_room_only_if_it_is_unchanged
            concurrent_logins_never_exceed_the_limit
            a_limit_counts_the_sessions_of_its_kind
            a_limit_across_kinds_counts_every_session
            concurrent_logins_never_exceed_the_limit_of_their_kind
            a_proof_older_than_a_revocation_is_refused
            the_latest_of_several_revocations_counts
            an_erasure_removes_entries_and_shortens_the_revocation
            sessions_are_listed_in_order_page_by_page
            sessions_are_listed_by_kind_or_all_together
            // scan
            a_scan_shows_every_entry
            a_scan_resumes_from_the_text_of_its_cursor
            a_scan_shows_every_entry_that_stays
            // sweep
            a_sweep_removes_garbage_and_nothing_else
            a_sweep_removes_at_most_its_limit_and_fewer_only_at_the_end
            a_sweep_uses_the_deadlines_of_the_last_write
            a_sweep_uses_the_deadline_of_the_last_touch
            an_id_that_was_swept_is_free
            // values
            any_payload_is_read_back_byte_by_byte
            a_payload_of_one_mebibyte_is_read_back
            no_value_differs_from_an_empty_value
            any_revision_is_kept_and_compared
            any_deadline_is_kept
            any_name_is_a_principal
            a_typed_value_comes_back_equal
            // extensions
            extensions_of_a_later_version_are_kept_by_every_operation
            // cancellation, health
            a_dropped_insert_is_atomic
            a_dropped_replace_is_atomic
            a_dropped_touch_is_atomic
            a_dropped_end_is_atomic
            a_store_that_works_is_healthy
        }
    };
}

/// When the records of these tests are created.
pub(crate) const NOW: Timestamp = ManualClock::START;
const IDLE: Duration = Duration::from_secs(30 * 60);
const ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);

/// How many threads race in the tests of atomicity.
const RACERS: u64 = 8;

/// A barrier for all racers and `others` more threads.
fn barrier(others: usize) -> Barrier {
    Barrier::new(usize::try_from(RACERS).expect("a few") + others)
}

/// Ids in no order, whose first bytes are small, large and zero.
fn scattered() -> Vec<PublicId> {
    (0..25_u8).map(|n| id(n.wrapping_mul(103))).collect()
}

pub(crate) const fn id(byte: u8) -> PublicId {
    PublicId::from_bytes([byte; 16])
}

fn alice() -> Principal {
    Principal::new("alice").expect("a valid name")
}

/// A kind of session other than the default.
fn admin() -> KindTag {
    KindTag::of("admin")
}

/// A record whose kind, revision, secret and payload depend on `mark`.
pub(crate) fn record(mark: u64) -> Record {
    begin(
        mark,
        None,
        Payload::from_bytes(format!("payload {mark}").into_bytes()),
        Revision::new(mark, mark + 1_000),
    )
}

fn begin(mark: u64, principal: Option<Principal>, payload: Payload, revision: Revision) -> Record {
    let mut secret = [0; 16];
    secret[..8].copy_from_slice(&mark.to_be_bytes());
    let kind = if mark % 2 == 0 { KindTag::DEFAULT } else { admin() };
    let verifier = Key::new(id(0), Secret::from_bytes(secret)).verifier(kind);
    let lifetime = Lifetime::absolute(ABSOLUTE).with_idle_timeout(IDLE);
    protocol::begin(kind, verifier, lifetime, principal, payload, revision, NOW)
}

pub(crate) fn ending() -> Ending {
    protocol::end(EndReason::SignedOut, NOW)
}

/// Inserts a record under a free id.
pub(crate) fn insert(store: &impl Store, id: PublicId, record: &Record) {
    let answer = store.insert(id, record.clone()).wait().expect("the store works");
    assert_eq!(answer, Inserted::Done, "the id is free");
}

/// Ends a live session.
pub(crate) fn end(store: &impl Store, id: PublicId) {
    let answer = store.end(id, ending()).wait().expect("the store works");
    assert_eq!(answer, Ended::Now, "the session is live");
}

fn get(store: &impl Store, id: PublicId) -> Option<Stored> {
    store.get(id).wait().expect("the store works")
}

/// The live record under `id`.
pub(crate) fn live(store: &impl Store, id: PublicId) -> Record {
    match get(store, id) {
        Some(Stored::Live(record)) => record,
        other => panic!("expected a live session, found {other:?}"),
    }
}

/// The tombstone under `id`.
fn tombstone(store: &impl Store, id: PublicId) -> Tombstone {
    match get(store, id) {
        Some(Stored::Ended(tombstone)) => tombstone,
        other => panic!("expected a tombstone, found {other:?}"),
    }
}

/// Panics unless both records are equal byte by byte.
#[track_caller]
pub(crate) fn assert_same(found: &Record, expected: &Record) {
    assert!(bytes(found) == bytes(expected), "found {found:?}, expected {expected:?}");
}

pub(crate) fn bytes(record: &Record) -> Vec<u8> {
    Stored::Live(record.clone()).to_bytes().expect("the record can be encoded")
}

/// All pages of a list.
fn pages<T>(limit: usize, read: impl Fn(Page) -> Vec<T>, id_of: impl Fn(&T) -> PublicId) -> Vec<T> {
    let (mut page, mut all) = (Page::first(limit), Vec::new());
    loop {
        let part = read(page);
        assert!(part.len() <= limit, "a page of {} entries at a limit of {limit}", part.len());
        let last = part.last().map(&id_of);
        all.extend(part);
        match last {
            Some(last) => page = page.after(last),
            None => return all,
        }
        assert!(all.len() < 10_000, "the list does not end");
    }
}
