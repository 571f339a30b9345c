//! What a change does to a session.

use super::super::{Failure, KeyStatus, NoSession};
use super::{Context, Loaded};
use crate::key::Key;
use crate::policy::Lifetime;
use crate::record::Record;
use crate::time::Timestamp;

/// What a change does to a session. It plans again, on newer sessions, for every race it loses.
pub trait Plan<C: Context> {
    /// What the caller is given once the change is written.
    type Result;

    /// What to write, given the session as it is.
    ///
    /// # Errors
    /// If the change cannot be made.
    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, Self::Result>, Failure>;

    /// What to do without a session: an error, by default.
    ///
    /// # Errors
    /// If the change needs a session.
    fn begin(
        &mut self,
        context: &C,
        no_session: NoSession,
    ) -> Result<Begin<C::Value, Self::Result>, Failure> {
        let _ = context;
        Err(Failure::NoSession(no_session))
    }

    /// Whether the change can be made with a key of this status: with a valid one, by default.
    fn admits(&self, status: KeyStatus, record: &Record) -> bool {
        let _ = record;
        status == KeyStatus::Valid
    }

    /// The session's new lifetime, if the change gives it one: its entry in the principal index is
    /// kept for as long, before the record is written.
    fn new_lifetime(&self) -> Option<Lifetime> {
        None
    }
}

/// What a change wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a change is written or not")]
pub enum Planned<T, R> {
    /// Nothing needs to be written.
    Keep(R),
    /// This is to be written.
    Write(Draft<T>, R),
}

/// A record to be written. Its revision is set when it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "plans make it")]
pub struct Draft<T> {
    /// The record.
    pub record: Record,
    /// The decoded value of its payload.
    pub value: Option<T>,
    /// The key that opens the session from this write on, if it changes.
    pub fresh: Option<Key>,
}

/// What a change does without a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a change creates a session or not")]
pub enum Begin<T, R> {
    /// There is nothing to write.
    Nothing(R),
    /// Creates a session with this value, if it has one, and this lifetime.
    Create(Option<T>, Lifetime, R),
}

/// A change of the value that is a part of another write.
pub trait Edit<C: Context> {
    /// The new value; `None` leaves the session's value as it is.
    fn edit(&mut self, context: &C, value: Option<&C::Value>) -> Option<C::Value>;
}

/// Leaves the value as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct NoEdit;

impl<C: Context> Edit<C> for NoEdit {
    fn edit(&mut self, _: &C, _: Option<&C::Value>) -> Option<C::Value> {
        None
    }
}
