//! What a store reports to a cache in front of it.

use std::fmt;

use crate::key::PublicId;
use crate::record::{Record, Revision, Stored};
use crate::time::Timestamp;

/// Receives the changes that any node makes in a store, for a near cache:
/// [`Store::subscribe`](super::Store::subscribe).
///
/// Changes arrive in the order in which the store made them. A feed that was interrupted has lost
/// changes, and calls [`gap`](Subscriber::gap) before anything else.
pub trait Subscriber: fmt::Debug + Send + Sync + 'static {
    /// Session `id` was written or ended; `revision` is its new revision, if the engine reports it.
    fn changed(&self, id: PublicId, revision: Option<Revision>);

    /// The current time on the subscriber's clock, for [`caught_up_to`](Subscriber::caught_up_to).
    fn now(&self) -> Timestamp;

    /// Every change that was answered before `moment` has been reported.
    fn caught_up_to(&self, moment: Timestamp);

    /// Changes may have been missed.
    fn gap(&self);
}

/// The answer to [`Store::get_cached`](super::Store::get_cached).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no third answer")]
pub enum Lookup {
    /// What the store has now.
    Authoritative(Option<Stored>),
    /// What the store had a moment ago. It can prove that a key is valid, but never that it is not.
    Cached(Record),
}
