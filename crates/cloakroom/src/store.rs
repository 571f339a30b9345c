//! The store contract: what the library asks of the place where sessions are kept.

mod decorate;
pub(crate) mod derived;
mod error;
mod index;
mod io;
mod ops;
mod scan;
mod subscribe;

use std::fmt;
use std::sync::Arc;

pub use error::{Outcome, StoreError, StoreErrorKind};
pub use index::{IndexEntry, IndexLogin, Indexed, Page};
pub use io::{Io, block_on};
pub use ops::{Call, Operation};
pub use scan::{Cursor, ParseCursorError, Scanned};
pub use subscribe::{Lookup, Subscriber};

use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::time::Timestamp;

/// Keeps sessions.
///
/// A store holds at most one entry per id: a live [`Record`], or the tombstone of a session that
/// was ended. It has no policy and no clock: an entry past its deadlines is still returned, and is
/// removed when a caller of [`sweep`](Store::sweep) says what time it is. An engine's own expiry
/// may remove it too, some time after the deadline.
///
/// A store writes six methods: `insert`, `get`, `replace`, `end_if`, `scan` and `sweep`. Those of
/// the principal index come from one line, [`derive_index!`](crate::derive_index), and all others
/// from those six; each says what that costs. An engine that can do better writes them too.
///
/// The requirements listed on each method are tests in `cloakroom-testkit`, which any store can run
/// in a few lines. A store that wraps another one is written with
/// [`decorate_store!`](crate::decorate_store).
///
/// # Security
/// A store never sees a secret: records hold verifiers. Ids and principals come from outside, so
/// bind them as parameters and never splice them into a query. A store is trusted to return what
/// was written; its integrity is its own duty.
///
/// # Cancellation
/// A caller can drop a returned [`Io`] at any time. The operation is then done completely or not at
/// all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "implement `cloakroom::Store`, or use `cloakroom::MemoryStore`; wrap \
            a store that blocks in `cloakroom::stores::BlockingStore`"
)]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Stores a new session.
    ///
    /// - If the id is taken, by a session or a tombstone, the call is refused and the entry stays
    ///   as it is.
    /// - Once this has answered, a `get` on any node returns the record.
    ///
    /// # Errors
    /// [`StoreError`]; the record is then stored completely or not at all.
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>>;

    /// Returns the entry of `id`, or `None` if there is none, in one round trip.
    ///
    /// # Errors
    /// [`StoreError`]. A store that could not be asked is an error, never `None`.
    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>>;

    /// Returns the entry of `id`, which a near cache can answer from what it read a moment ago.
    ///
    /// By default the same as [`get`](Store::get).
    ///
    /// # Errors
    /// [`StoreError`], as `get`.
    fn get_cached(&self, id: PublicId) -> Io<'_, Result<Lookup, StoreError>> {
        self.get(id).map(|found| found.map(Lookup::Authoritative))
    }

    /// Reports every later change, by any node, to `subscriber` for as long as the store exists.
    ///
    /// Returns false, as it does by default, if the engine has no change feed. Otherwise:
    ///
    /// - A change is reported at once.
    /// - While the feed is up, [`Subscriber::caught_up_to`] is called at least once a second.
    /// - A feed that breaks later reports [`Subscriber::gap`] and reconnects by itself.
    ///
    /// # Errors
    /// [`StoreError`] if the engine could not be asked.
    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        drop(subscriber);
        Io::ready(Ok(false))
    }

    /// Replaces the record that has the revision of `seen`: compare-and-swap in one round trip.
    ///
    /// - Atomic: of several writers that have seen one revision, exactly one gets [`Swap::Done`].
    /// - Nothing but the revision counts: the idle deadline can have been moved since. An engine
    ///   that compares whole values can try `seen` first, and compare revisions if it differs.
    /// - Never creates an entry: an id that is absent or ended is [`Swap::Gone`].
    /// - On a mismatch it changes nothing and returns the current record.
    /// - `seen` can be what an earlier call is about to write, if that call has its place in a
    ///   [queue](crate::stores::batch): the store carries the calls on one session out in order.
    /// - `now` is the time, by which a store at its limit looks for garbage before it refuses a
    ///   record that has grown. A caller without a clock passes a moment that is known to have
    ///   passed.
    ///
    /// # Errors
    /// [`StoreError`]; the write was then done completely or not at all.
    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>>;

    /// Moves the idle deadline of the record whose revision is `expected`; returns whether it did.
    ///
    /// - Payload and revision stay as they are.
    /// - Never creates or revives a session: a mismatch, or a session that is absent or ended, is
    ///   `false`.
    /// - Never moves a deadline back.
    ///
    /// By default a read and a [`replace`](Store::replace) of the whole record; of two nodes that
    /// do so in the same moment, the earlier deadline can be the one that stays.
    ///
    /// # Errors
    /// [`StoreError`]; the deadline may have been moved.
    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        Io::future(derived::touch(self, id, expected, deadline))
    }

    /// Ends the session whose revision is `expected`: compare-and-swap in one round trip.
    ///
    /// For a request that ends its own session. If its key was replaced in the meantime, it loses
    /// the race and its key is judged again.
    ///
    /// - Atomic with `replace`: of several callers that expect one revision, exactly one gets
    ///   [`Swap::Done`].
    /// - An id that is absent or ended is [`Swap::Gone`], and the first reason stays.
    /// - On a mismatch it changes nothing and returns the current record.
    ///
    /// # Errors
    /// [`StoreError`]; the session may have been ended.
    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>>;

    /// Ends a session whatever its revision: its payload is removed and its tombstone
    /// ([`Record::ended`]) stays.
    ///
    /// - Wins over everything in flight: no write that began before it succeeds after it.
    /// - Ending a session that is absent or ended is a success, and the first reason stays.
    ///
    /// By default a read and an [`end_if`](Store::end_if), and another for each writer that comes
    /// first.
    ///
    /// # Errors
    /// [`StoreError`]; the session may have been ended.
    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        Io::future(derived::end(self, id, ending))
    }

    /// Enters a session in the principal index, before its record names the principal and again
    /// afterwards.
    ///
    /// One atomic step, serialized with all others for the same principal:
    ///
    /// 1. Entries listed in `replacing` are removed if they have not changed since they were read.
    /// 2. A sign-in that is older than the principal's [`revoke_before`](Store::revoke_before) is
    ///    [`Indexed::Revoked`].
    /// 3. A session that has no entry yet is [`Indexed::Full`], and gets none, if `limit` or more
    ///    other sessions of the kind in `counted` have one; of any kind, if that is `None`.
    /// 4. Otherwise the session is entered once; if it has an entry, the later deadline is kept.
    ///
    /// # Errors
    /// [`StoreError`]; the caller then signs no one in.
    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>>;

    /// Refuses every later [`index_login`](Store::index_login) of `principal` whose sign-in is
    /// older than `before`, for every kind of session; remembered until `until`.
    ///
    /// - If it is called more than once, the latest `before` and the latest `until` hold.
    ///
    /// # Errors
    /// [`StoreError`]; it may have taken effect.
    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>>;

    /// Removes what the index keeps of `principal`, whose data is being erased: the entries of the
    /// sessions in `ended`, and from `until` on the time of
    /// [`revoke_before`](Store::revoke_before).
    ///
    /// - Entries of other sessions stay, as does a revocation that is forgotten earlier.
    /// - There need not be any.
    ///
    /// # Errors
    /// [`StoreError`]; a part may have been removed.
    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>>;

    /// Returns the ids in a principal's index, in ascending order, starting after `page.after`:
    /// those of one kind of session, or for `None` of every kind.
    ///
    /// - Complete: every live session of the principal and kind is listed.
    /// - Not exact: an id can belong to a session that has ended or was never created, so read the
    ///   session to know.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>>;

    /// Returns about `limit` entries in the engine's own order, and the cursor to continue from;
    /// starts at the beginning if `from` is `None`.
    ///
    /// - Complete for entries that exist from the first part to the last.
    /// - An engine can return an entry twice, and parts of any size.
    ///
    /// # Errors
    /// [`StoreError`]; of kind [`Foreign`](StoreErrorKind::Foreign) for a cursor of another kind of
    /// store.
    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>>;

    /// Removes at most `limit` entries that are garbage at `now`; returns how many it removed.
    ///
    /// - Fewer than `limit` means that no garbage is left.
    /// - Never removes an entry that is not garbage ([`Stored::expires_at`]).
    ///
    /// # Errors
    /// [`StoreError`]; some entries may have been removed.
    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>>;

    /// Checks whether the store can be used at this moment.
    ///
    /// By default by looking for a session that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] that says why it cannot.
    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.get(PublicId::from_bytes([0; 16])).map(|found| found.map(drop))
    }
}

/// The answer to [`Store::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "if the id is taken, nothing was written"]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no third answer")]
pub enum Inserted {
    /// The record was stored.
    Done,
    /// The id is taken; nothing changed.
    Taken,
}

/// The answer to [`Store::replace`] and [`Store::end_if`].
#[derive(Clone, Debug)]
#[must_use = "a write that lost its race was not made"]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no fourth answer")]
pub enum Swap {
    /// The write was made.
    Done,
    /// Another write came first; this is the current record.
    Stale(Record),
    /// There is no live session with this id.
    Gone,
}

/// The answer to [`Store::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no fourth answer")]
pub enum Ended {
    /// This call ended a live session.
    Now,
    /// The session had been ended before.
    Already,
    /// There is no entry with this id.
    Absent,
}
