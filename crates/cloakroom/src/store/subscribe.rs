//! What a store tells those who remember what it holds.

use std::fmt;

use crate::key::PublicId;
use crate::record::{Record, Revision, Stored};
use crate::time::Timestamp;

/// Hears of changes that others make in a store ([`Store::subscribe`](super::Store::subscribe)): a near cache.
///
/// Changes come in the order in which the store made them. A feed that was broken and is absolute_timeout again has lost what came
/// meanwhile: it says [`lost`](Subscriber::lost) before it says anything else.
pub trait Subscriber: fmt::Debug + Send + Sync + 'static {
    /// Session `id` was written or ended, by anybody; `revision` is what it was given, if that is told.
    fn changed(&self, id: PublicId, revision: Option<Revision>);

    /// The present moment on the subscriber's own clock, for [`caught_up_to`](Subscriber::caught_up_to).
    fn now(&self) -> Timestamp;

    /// All changes answered before `moment` have been told.
    fn caught_up_to(&self, moment: Timestamp);

    /// Changes may have gone untold.
    fn gap(&self);
}

/// The answer to [`Store::get_cached`](super::Store::get_cached).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no third answer")]
pub enum Lookup {
    /// What the store holds.
    Authoritative(Option<Stored>),
    /// What it loaded a moment ago: good for a yes, never for a no.
    Cached(Record),
}
