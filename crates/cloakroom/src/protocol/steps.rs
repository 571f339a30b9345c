//! What a request does to a session, step by step.
//!
//! Each operation is a state machine: it asks one question at a time ([`Ask`]), is given the
//! [`Answer`], and ends with an outcome. The order in which the store is asked is decided here and
//! nowhere else. The library's runner puts the questions to a store; `cargo xtask model` runs the
//! same operations on a store of its own, in every order.
//!
//! ```text
//! Open     the session that a request's keys open, with the renewal that is due
//! Write    a change of a session, which creates it if there is none
//! Login    a sign-in, on the session or on a new one
//! End      the end of a session
//! EndAll   the end of a principal's sessions
//! Import   a session of another library
//! Reload   a session that was opened before
//! ```

mod context;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
mod create;
mod device;
mod end;
mod end_all;
mod import;
mod login;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
mod open;
mod plan;
mod plans;
mod reload;
mod reservation;
mod session;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
mod write;

pub use context::{Context, Policy};
pub use device::{DeviceOutcome, DeviceProof, NewDevice, RefreshDevice, RegisterDevice};
pub use end::{End, EndById};
pub use end_all::EndAll;
pub use import::{Import, Imported};
pub use login::Login;
pub use open::{Open, Opened, OtherSession};
pub use plan::{Begin, Draft, Edit, NoEdit, Plan, Planned};
use plans::fresh_secret;
pub(crate) use plans::write_value;
pub use plans::{Deadlines, Label, Renew, SetUntil, SetValue, Start};
pub use reload::Reload;
pub use session::{Credential, FormerKey, HeldFamily, Loaded, SessionState};
pub use write::{Write, Written};

use super::Failure;
use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{Ended, IndexLogin, Indexed, Inserted, Lookup, Page, StoreError, Swap};
use crate::time::Timestamp;

/// An operation on a session.
pub trait Steps<C: Context> {
    /// What the operation ends with, if it does not fail.
    type Outcome;

    /// Whether the operation can take back what it has written. If so, the next writer waits until
    /// it is over.
    const TAKES_BACK: bool = false;

    /// The first step.
    ///
    /// # Errors
    /// [`Failure`]: the operation is over.
    fn start(&mut self, context: &C) -> Next<Self::Outcome>;

    /// The next step, given the answer to the last question.
    ///
    /// # Errors
    /// [`Failure`]: the operation is over.
    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome>;
}

/// What a step returns.
pub type Next<T> = Result<Step<T>, Failure>;

/// The result of a step.
#[derive(Debug)]
#[must_use = "an operation goes on only if its question is answered"]
#[expect(clippy::exhaustive_enums, reason = "a runner must handle both")]
pub enum Step<T> {
    /// The operation waits for the answer to this question.
    Ask(Ask),
    /// The operation is over.
    Done(T),
}

/// A question: a call of the store, or a place in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a runner must answer every question")]
pub enum Ask {
    /// [`Store::get_cached`](crate::Store::get_cached).
    GetCached(PublicId),
    /// [`Store::get`](crate::Store::get).
    Get(PublicId),
    /// [`Store::get`](crate::Store::get), for several ids at the same time.
    GetEach(Vec<PublicId>),
    /// [`Store::insert`](crate::Store::insert).
    Insert(PublicId, Record),
    /// [`Store::replace`](crate::Store::replace), with the record seen and the new one.
    Replace(PublicId, Record, Record),
    /// [`Store::touch`](crate::Store::touch).
    Touch(PublicId, Revision, Timestamp),
    /// [`Store::end_if`](crate::Store::end_if).
    EndIf(PublicId, Revision, Ending),
    /// [`Store::end`](crate::Store::end).
    End(PublicId, Ending),
    /// [`Store::index_login`](crate::Store::index_login).
    IndexLogin(IndexLogin),
    /// [`Store::revoke_before`](crate::Store::revoke_before).
    RevokeBefore(Principal, Timestamp, Timestamp),
    /// [`Store::erase`](crate::Store::erase).
    Erase(Principal, Vec<PublicId>, Timestamp),
    /// [`Store::sessions_of`](crate::Store::sessions_of).
    SessionsOf(Principal, Option<KindTag>, Page),
    /// A turn among the writers of this process that wait for the session, since one of them has
    /// lost a race for it.
    ///
    /// Those who hold it compete with other processes only. It lasts until the operation is over,
    /// or until its write has a place in the store's queue; then the next writer goes on with the
    /// record that is about to be written. An operation that has its turn still is given it again.
    WriterTurn(PublicId),
    /// A turn among the sign-ins of this process for the principal, likewise. No operation asks for
    /// it twice: it would wait for itself.
    LoginTurn(Principal),
}

/// The answer to an [`Ask`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "one for each kind of question")]
pub enum Answer {
    /// To [`Ask::GetCached`].
    Lookup(Result<Lookup, StoreError>),
    /// To [`Ask::Get`].
    Stored(Result<Option<Stored>, StoreError>),
    /// To [`Ask::GetEach`], in the order of the ids.
    StoredEach(Vec<Result<Option<Stored>, StoreError>>),
    /// To [`Ask::Insert`].
    Inserted(Result<Inserted, StoreError>),
    /// To [`Ask::Replace`] and [`Ask::EndIf`].
    Swapped(Result<Swap, StoreError>),
    /// To [`Ask::Touch`].
    Touched(Result<bool, StoreError>),
    /// To [`Ask::End`].
    Ended(Result<Ended, StoreError>),
    /// To [`Ask::IndexLogin`].
    Indexed(Result<Indexed, StoreError>),
    /// To [`Ask::RevokeBefore`].
    Revoked(Result<(), StoreError>),
    /// To [`Ask::Erase`].
    Erased(Result<(), StoreError>),
    /// To [`Ask::SessionsOf`].
    Listed(Result<Vec<PublicId>, StoreError>),
    /// To [`Ask::WriterTurn`], with what the writer before left, if it left anything.
    WriterTurn(Option<Left>),
    /// To [`Ask::LoginTurn`].
    LoginTurn,
}

/// What a writer leaves to the next one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the runner and by checkers only")]
pub struct Left {
    /// The session as that writer wrote it, or is about to.
    pub record: Record,
    /// Whether it was written. Until it is, a write can be planned on it, which loses its race if
    /// it never comes to be; nothing else can be decided by it.
    pub is_certain: bool,
}

/// An error that is kept for later: of a write that may have happened and is repeated, or of a
/// record that cannot be read while others are ended.
#[derive(Clone, Debug)]
struct KeptError(StoreError);

impl PartialEq for KeptError {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind() == other.0.kind()
    }
}

impl Eq for KeptError {}

impl std::hash::Hash for KeptError {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.kind().hash(state);
    }
}
