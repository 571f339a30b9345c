//! The contract between the counter and the cloakroom behind it.

mod error;
mod index;
mod io;
mod ops;
mod scan;
mod shared;
mod subscribe;

use std::fmt;
use std::sync::Arc;

pub use error::{Outcome, StoreError, StoreErrorKind};
pub use index::{IndexEntry, IndexLogin, Indexed, Page, judge_index_login};
pub use io::{Io, block_on};
pub use ops::{Call, Operation};
pub use scan::{Cursor, ParseCursorError, Scanned};
pub use subscribe::{Lookup, Subscriber};

use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::time::Timestamp;

/// Keeps sessions.
///
/// A store holds at most one entry per id: a live [`Record`], or the tombstone of one that was ended. It decides
/// nothing and reads no clock: an entry past its deadlines is still returned, and goes when [`sweep`](Store::sweep)
/// is told the time (or by the engine's own expiry, which must leave some slack).
///
/// All laws below are tests in `cloakroom-testkit`, which any store can run in a few lines.
///
/// # Security
/// A store never sees a secret: records hold verifiers. Ids and principals are data from outside: bind them, never
/// splice them. What a store returns must be what was written; integrity is the store's duty.
///
/// # Cancellation
/// A caller may drop any returned [`Io`] at any time. The operation then happens absolute_timeout or not at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "implement `cloakroom::Store`, or use `cloakroom::MemoryStore`; a store that blocks goes inside `cloakroom::stores::BlockingStore`"
)]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Keeps a new session.
    ///
    /// - An id that is taken, by a session or a tombstone, is refused and its entry left as it is.
    /// - Any later `get` sees the record, from every node, once this has answered.
    ///
    /// # Errors
    /// [`StoreError`]; the record is then kept absolute_timeout or not at all.
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>>;

    /// What is kept under `id`, in one round trip; `None` if nothing is.
    ///
    /// # Errors
    /// [`StoreError`]; never an absent answer for a store that could not be asked.
    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>>;

    /// What is kept under `id`, or was a moment ago: as [`get`](Store::get), unless the store is a near cache.
    ///
    /// # Errors
    /// [`StoreError`], as of `get`.
    fn get_cached(&self, id: PublicId) -> Io<'_, Result<Lookup, StoreError>> {
        self.get(id).map(|found| found.map(Lookup::Authoritative))
    }

    /// Tells `subscriber` of every change from now on, whoever makes it, for as long as the store is there; false if the
    /// engine can't tell.
    ///
    /// - A change is told at once, [`Subscriber::caught_up_to`] at least once a second while that holds.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be known now. A feed that breaks later says so to the subscriber, and mends itself.
    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        drop(subscriber);
        Io::ready(Ok(false))
    }

    /// Replaces the record whose revision is `expected`: compare-and-swap, in one round trip.
    ///
    /// - Atomic: of several writers that expect one revision exactly one is [`Swap::Done`].
    /// - Never creates: an id that is absent or ended is [`Swap::Gone`].
    /// - A mismatch returns the record that stands there, and changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; the write then happened absolute_timeout or not at all.
    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>>;

    /// Moves the idle deadline of the record whose revision is `expected`; true if it did.
    ///
    /// - Payload and revision stay as they are.
    /// - Never creates, never revives; a mismatch, an absent or an ended session is `false`.
    /// - Never moves a deadline back.
    ///
    /// # Errors
    /// [`StoreError`]; the deadline then moved or did not.
    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>>;

    /// Ends the session whose revision is `expected`, as [`end`](Store::end) does: compare-and-swap, in one round trip.
    ///
    /// For a request that ends its own session: one whose key was replaced meanwhile loses the race, and is judged again.
    ///
    /// - Atomic with `replace`: of several that expect one revision exactly one is [`Swap::Done`].
    /// - An id that is absent or ended is [`Swap::Gone`], and the first reason stays.
    /// - A mismatch returns the record that stands there, and changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; the session is then ended or not.
    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>>;

    /// Ends a session whatever its revision: its payload goes, its tombstone ([`Record::ended`]) stays.
    ///
    /// - Wins over anything in flight: no write begun before it succeeds after it.
    /// - Ending what is absent or ended is success, and the first reason stays.
    ///
    /// # Errors
    /// [`StoreError`]; the session is then ended or not.
    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>>;

    /// Enters a session in its principal's directory: before its record names the principal, and once more after.
    ///
    /// All in one step, of all that admit to one principal one after the other:
    /// - entries in `replacing` go that are still as they were seen;
    /// - a proof older than what [`revoke_before`](Store::revoke_before) was told is [`Indexed::Revoked`];
    /// - a session that is not entered, when as many others are as `limit` allows, is [`Indexed::Full`] and not entered;
    /// - else it is entered, once; of two deadlines the later one counts.
    ///
    /// # Errors
    /// [`StoreError`]; nobody is signed in then.
    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>>;

    /// Lets no admission of `principal` succeed any more whose proof is older than `before`; kept until `until`.
    ///
    /// - Of several moments the latest counts.
    ///
    /// # Errors
    /// [`StoreError`]; it then holds or does not.
    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>>;

    /// Ids in a principal's directory, in ascending order, starting after `page.after`.
    ///
    /// - Complete: every live session of the principal is listed.
    /// - Not exact: an id may belong to a session that has ended, or never came to be; read it to know.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>>;

    /// About `limit` entries, in the engine's own order, and where it goes on; `from` the new if `None`.
    ///
    /// - Complete for what was there before the first part and is still there after the last.
    /// - An engine may show an entry twice, and parts of any size.
    ///
    /// # Errors
    /// [`StoreError`]; of kind [`Foreign`](StoreErrorKind::Foreign) for a cursor that this sort of store never gave.
    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>>;

    /// Removes at most `limit` entries that are garbage at `now`; how many went.
    ///
    /// - Fewer than `limit` means that there are no more.
    /// - Never removes an entry that is not garbage ([`Stored::expires_at`]).
    ///
    /// # Errors
    /// [`StoreError`]; some may have gone.
    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>>;

    /// Whether the store can be used at this moment.
    ///
    /// # Errors
    /// [`StoreError`] saying why not.
    fn health(&self) -> Io<'_, Result<(), StoreError>>;
}

/// The answer to [`Store::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an id that is taken was not written"]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no third answer")]
pub enum Inserted {
    /// The record is kept.
    Done,
    /// The id is taken; nothing changed.
    Taken,
}

/// The answer to [`Store::replace`] and [`Store::end_if`].
#[derive(Clone, Debug)]
#[must_use = "a write that lost its race was not made"]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no fourth answer")]
pub enum Swap {
    /// It was done.
    Done,
    /// Another write came first: this is what stands there now.
    Stale(Record),
    /// There is no live session under the id.
    Gone,
}

/// The answer to [`Store::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no fourth answer")]
pub enum Ended {
    /// This call ended a live session.
    Now,
    /// It had been ended before.
    Already,
    /// There was nothing under the id.
    Absent,
}
