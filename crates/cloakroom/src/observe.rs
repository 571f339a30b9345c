//! What the library reports while it works: events and observers.

mod cookie_loss;
mod event;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing;

use std::fmt;
use std::sync::Arc;

pub use cookie_loss::CookieLoss;
pub use event::{Event, EventLevel};
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
#[cfg(feature = "tracing")]
pub use tracing::TracingObserver;

/// Receives the events of sessions and stores.
///
/// It is called inline, so it must be quick and must not block.
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
