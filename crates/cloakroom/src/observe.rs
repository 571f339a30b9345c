//! What the library reports while it works: events and observers.

mod cookie_loss;
mod device;
mod event;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing;

use std::fmt;
use std::sync::Arc;

pub use cookie_loss::CookieLoss;
pub use device::{ProofRefusal, SkipReason};
pub use event::{Event, EventLevel};
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
#[cfg(feature = "tracing")]
pub use tracing::TracingObserver;

/// Receives the events of sessions and stores.
///
/// [`SessionsBuilder::observer`](crate::SessionsBuilder::observer) adds one, for the sessions and
/// for the calls of their store. It is called inline, so it must be quick and must not block.
///
/// ```
/// # use cloakroom::observe::{Event, Observer};
/// #[derive(Debug)]
/// struct LogObserver;
///
/// impl Observer for LogObserver {
///     fn observe(&self, event: &Event<'_>) {
///         eprintln!("{}: {event:?}", event.name()); // an event contains no secret
///     }
/// }
/// ```
///
/// Two are provided: `TracingObserver` (feature `tracing`) and `MetricsObserver` (feature
/// `metrics`).
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Called for each event.
    fn observe(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

/// All observers of sessions, which their store shares.
#[derive(Clone, Debug)]
pub(crate) struct Observers(Arc<[Box<dyn Observer>]>);

impl Observers {
    pub(crate) fn new(observers: Vec<Box<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Observer for Observers {
    fn observe(&self, event: &Event<'_>) {
        for observer in &*self.0 {
            observer.observe(event);
        }
    }
}
