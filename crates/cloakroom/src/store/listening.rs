//! What a store tells those who remember what it holds.

use std::fmt;

use crate::key::SessionId;
use crate::record::{Record, Revision, Stored};
use crate::time::Timestamp;

/// Hears of changes that others make in a store ([`Store::listen`](super::Store::listen)): a near cache.
///
/// Changes come in the order in which the store made them. A feed that was broken and is whole again has lost what came
/// meanwhile: it says [`lost`](Listener::lost) before it says anything else.
pub trait Listener: fmt::Debug + Send + Sync + 'static {
    /// Session `id` was written or ended, by anybody; `revision` is what it was given, if that is told.
    fn changed(&self, id: SessionId, revision: Option<Revision>);

    /// The present moment on the listener's own clock, for [`heard`](Listener::heard).
    fn now(&self) -> Timestamp;

    /// All changes answered before `moment` have been told.
    fn heard(&self, moment: Timestamp);

    /// Changes may have gone untold.
    fn lost(&self);
}

/// The answer to [`Store::recall`](super::Store::recall).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "part of the contract: there is no third answer")]
pub enum Recalled {
    /// What the store holds.
    Fresh(Option<Stored>),
    /// What it held a moment ago: good for a yes, never for a no.
    Remembered(Record),
}
